// Tlog
