package store

// CheckFileSystem tells why a directory cannot hold a store: it is on a network
// file system.
func CheckFileSystem(dir string) error { return checkFileSystem(dir) }
