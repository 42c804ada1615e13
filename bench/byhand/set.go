package byhand

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	_ "modernc.org/sqlite" // the driver of the one synced transaction
)

// servePlugin answers Set: it keeps the values in a map.
func servePlugin(ctx context.Context, socket string) error {
	var (
		mu     sync.Mutex
		values = map[string]*structpb.Value{}
	)
	h := &handlers{set: func(_ context.Context, in *message) (*message, error) {
		mu.Lock()
		defer mu.Unlock()
		out := &message{Fields: map[string]*structpb.Value{}}
		for name, value := range in.GetFields() {
			out.Fields[name] = values[name]
			values[name] = value
		}
		return out, nil
	}}
	return h.serve(ctx, socket)
}

// serveHost answers PUT /parameters on a unix socket: JSON in, one gRPC call
// to the plugin, one synced SQLite transaction, JSON out.
func serveHost(ctx context.Context, socket, plugin, database string) error {
	db, err := sql.Open("sqlite", Synced(database))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE changes (id INTEGER PRIMARY KEY, time INTEGER, name TEXT, old TEXT, new TEXT)`); err != nil {
		return err
	}
	conn, err := dial(plugin)
	if err != nil {
		return err
	}
	defer conn.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("PUT /parameters", func(w http.ResponseWriter, r *http.Request) {
		in := new(message)
		err := json.NewDecoder(r.Body).Decode(&in)
		var out *message
		if err == nil {
			out, err = set(r.Context(), conn, in)
		}
		if err == nil {
			err = record(r.Context(), db, in, out)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the client sees a cut answer
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Synced names a database in the mode of mlhost's own: write-ahead log, synced
// at each commit.
func Synced(path string) string {
	return "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
}

// record keeps one set: a row for each value.
func record(ctx context.Context, db *sql.DB, in, old *message) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	for name, value := range in.GetFields() {
		_, err := tx.ExecContext(ctx, `INSERT INTO changes (time, name, old, new) VALUES (?, ?, ?, ?)`,
			time.Now().UnixNano(), name, old.GetFields()[name].String(), value.String())
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}
