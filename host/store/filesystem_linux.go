package store

import (
	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

// networked are the file systems on which SQLite's write-ahead log, which
// wants shared memory and locks that hold, cannot be trusted.
var networked = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.CIFS_SUPER_MAGIC: "SMB",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.AFS_FS_MAGIC:     "AFS",
	unix.CEPH_SUPER_MAGIC: "Ceph",
	unix.CODA_SUPER_MAGIC: "Coda",
	unix.NCP_SUPER_MAGIC:  "NCP",
	unix.V9FS_MAGIC:       "9P",
	unix.FUSE_SUPER_MAGIC: "FUSE",
	0x0bd00bd0:            "Lustre",
	0x47504653:            "GPFS",
	0x19830326:            "BeeGFS",
}

// checkFileSystem refuses a directory on a network file system.
func checkFileSystem(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return explain("look at file system", dir, err)
	}
	return refuseNetworked(dir, networked[int64(st.Type)&0xffffffff]) //nolint:unconvert // the type is 32 bits wide on some systems
}

func refuseNetworked(dir, name string) error {
	if name == "" {
		return nil
	}
	return script.Errorf(script.CodeIO, "%s is on a network file system (%s), where the database would not be safe", dir, name).
		WithHint("choose a directory on a local disk with --state")
}
