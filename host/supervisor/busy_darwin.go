package supervisor

// beingWritten reports nothing here: the system does not tell.
func beingWritten(string) bool { return false }
