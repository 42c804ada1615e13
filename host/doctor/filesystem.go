package doctor

import (
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

func fileSystem(dir string) v1.Check {
	const name = "state file system"
	if err := store.CheckFileSystem(dir); err != nil {
		e := script.AsError(err)
		return fail(name, e.Hint, "%s", e.Message)
	}
	return ok(name, "local")
}
