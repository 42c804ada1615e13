package web

import (
	"embed"
	"io/fs"
	"sync"
)

//go:embed all:dist all:fallback
var embedded embed.FS

// Embedded returns what this program was built with: the dashboard, or, where
// it was built without one, a page that says how to get it.
var Embedded = sync.OnceValue(func() *Site {
	folder := "dist"
	if _, err := fs.Stat(embedded, "dist/index.html"); err != nil {
		folder = "fallback"
	}
	files, err := fs.Sub(embedded, folder)
	if err == nil {
		var site *Site
		if site, err = New(files); err == nil {
			return site
		}
	}
	panic("web: the embedded files cannot be read: " + err.Error())
})
