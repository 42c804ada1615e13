package interpreter

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

const (
	// maxListed and maxDepth bound how much of a folder is looked at, listTime
	// how long.
	maxListed = 20_000
	maxDepth  = 12
	listTime  = 2 * time.Second
)

// fileMark is what tells that a file has changed.
type fileMark struct {
	size     int64
	modified time.Time
}

// listing is what was found in folders.
type listing struct {
	files map[string]fileMark
	whole bool // nothing was left out
}

// changed reports whether a file is another than it was, or was written since
// the start.
func (l *listing) changed(path string, now fileMark, start time.Time) bool {
	was, known := l.files[path]
	if !known { // with an old time where it was copied, or came out of an archive
		return l.whole || !now.modified.Before(start.Add(-clockStep))
	}
	return was.size != now.size || !was.modified.Equal(now.modified) || !now.modified.Before(start)
}

// list looks at the files in folders and below, without following links.
func list(ctx context.Context, folders, skip []string) listing {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	l := listing{files: map[string]fileMark{}, whole: true}
	for _, folder := range folders {
		l.add(ctx, folder, skip, maxDepth)
	}
	return l
}

func (l *listing) add(ctx context.Context, folder string, skip []string, depth int) {
	if depth == 0 || ctx.Err() != nil || len(l.files) >= maxListed {
		l.whole = false
		return
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		l.whole = false // it cannot be read, or has gone
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		switch {
		case e.IsDir():
			if !uninteresting(e.Name()) && !contained(skip, path) {
				l.add(ctx, path, skip, depth-1)
			}
		case !e.Type().IsRegular():
		case len(l.files) >= maxListed:
			l.whole = false
			return
		default:
			if info, err := e.Info(); err == nil {
				l.files[path] = fileMark{size: info.Size(), modified: info.ModTime()}
			}
		}
	}
}

func contained(folders []string, path string) bool {
	for _, f := range folders {
		if within(f, path) {
			return true
		}
	}
	return false
}
