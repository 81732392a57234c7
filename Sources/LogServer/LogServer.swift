// LogServer
