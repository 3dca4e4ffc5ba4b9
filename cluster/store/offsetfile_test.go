package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/berth-connect/berth/cluster/javamap"
	"github.com/berth-connect/berth/host"
)

// openOffsetFile runs a store on a file until the returned function is called.
func openOffsetFile(t *testing.T, path string) (*OffsetStore, func()) {
	t.Helper()
	s, err := NewFileOffsetStore(map[string]string{offsetFileKey: path}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// entriesOf returns "key=value" of a file, sorted.
func entriesOf(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := javamap.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Value == nil {
			out = append(out, string(e.Key)+"=null")
		} else {
			out = append(out, string(e.Key)+"="+string(e.Value))
		}
	}
	slices.Sort(out)
	return out
}

// A file of the Java worker is taken over, through a link, with the keys' bytes and the file's rights as they are.
func TestOffsetFileOfJava(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "offsets"), filepath.Join(dir, "link")
	java := javamap.Encode([]javamap.Entry{
		{Key: []byte(`["c",{"b":1,"a":2}]`), Value: []byte(`{"at":1}`)},
		{Key: []byte(`["c",{"gone":1}]`), Value: nil},
		{Key: []byte(`["other",{"x":1}]`), Value: []byte(`{"at":2}`)},
	})
	if err := os.WriteFile(path, java, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	s, stop := openOffsetFile(t, link)
	loaded, err := s.Load(t.Context(), "c")
	if err != nil || len(loaded) != 1 || string(loaded[0].Offset) != `{"at":1}` {
		t.Fatalf("loaded %q, %v", loaded, err)
	}
	if err := s.Store(t.Context(), "c", []host.SourceOffset{
		{Partition: []byte(`{"a":2,"b":1}`), Offset: []byte(`{"at":3}`)},
		{Partition: []byte(`{"new":true}`), Offset: []byte(`{"at":4}`)},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Store(t.Context(), "other", []host.SourceOffset{{Partition: []byte(`{"x":1}`)}}); err != nil {
		t.Fatal(err)
	}
	stop()
	want := []string{`["c",{"b":1,"a":2}]={"at":3}`, `["c",{"gone":1}]=null`, `["c",{"new":true}]={"at":4}`,
		`["other",{"x":1}]=null`}
	if got := entriesOf(t, path); !slices.Equal(got, want) {
		t.Errorf("the file has\n%q, want\n%q", got, want)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("the file became %v, %v", info.Mode(), err)
	}
	if info, err = os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
	again, _ := openOffsetFile(t, link)
	if loaded, err = again.Load(t.Context(), "c"); err != nil || len(loaded) != 2 {
		t.Errorf("loaded again %q, %v", loaded, err)
	}
}

// Many tasks that store at the same time lose nothing, and each has what it stored when Store returns.
func TestOffsetFileOfManyTasks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "offsets")
	s, _ := openOffsetFile(t, path)
	const tasks, rounds = 16, 20
	var group sync.WaitGroup
	for task := range tasks {
		group.Go(func() {
			for round := range rounds {
				entry := fmt.Sprintf(`["c",{"task":%d}]={"at":%d}`, task, round)
				if err := s.Store(context.Background(), "c", []host.SourceOffset{{
					Partition: fmt.Appendf(nil, `{"task":%d}`, task), Offset: fmt.Appendf(nil, `{"at":%d}`, round)}}); err != nil {
					t.Error(err)
				}
				if found := entriesOf(t, path); !slices.Contains(found, entry) {
					t.Errorf("%s is not in the file", entry)
				}
			}
		})
	}
	group.Wait()
	if found := entriesOf(t, path); len(found) != tasks {
		t.Errorf("the file has %d entries, want %d", len(found), tasks)
	}
}

// A change that can't be kept is an error, leaves the file as it was, and is in the file with the next one.
func TestOffsetFileThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "offsets")
	s, _ := openOffsetFile(t, path)
	store := func(at string) error {
		return s.Store(t.Context(), "c", []host.SourceOffset{{Partition: []byte(`{"at":` + at + `}`), Offset: []byte(`{}`)}})
	}
	if err := store("1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".tmp", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := store("2"); err == nil || !strings.Contains(err.Error(), offsetFileKey) {
		t.Errorf("got %v, want an error that names %s", err, offsetFileKey)
	}
	if found := entriesOf(t, path); !slices.Equal(found, []string{`["c",{"at":1}]={}`}) {
		t.Errorf("after the error the file has %q", found)
	}
	if err := os.Remove(path + ".tmp"); err != nil {
		t.Fatal(err)
	}
	if err := store("3"); err != nil {
		t.Fatal(err)
	}
	if found := entriesOf(t, path); len(found) != 3 {
		t.Errorf("in the end the file has %q", found)
	}
}

func TestOffsetFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	cut := javamap.Encode([]javamap.Entry{{Key: []byte("k"), Value: []byte("v")}})
	files := map[string][]byte{"empty": nil, "text": []byte("hello"), "cut": cut[:len(cut)-3]}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, says := range map[string]string{
		"empty": "", "absent": "",
		"text":       "it is not a file of offsets: at byte 0: the header of a Java object stream is expected; restore it",
		"cut":        "the data ends early; restore it, or name a new file",
		".":          "let it be a file that the worker may read and write",
		"none/there": "let its folder be there",
	} {
		path := filepath.Join(dir, name)
		s, err := NewFileOffsetStore(map[string]string{offsetFileKey: path}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			select {
			case <-s.Ready():
				cancel()
			case <-ctx.Done():
			}
		}()
		err = s.Run(ctx)
		cancel()
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says) ||
			!strings.Contains(err.Error(), "Invalid value "+path+" for configuration "+offsetFileKey)) {
			t.Errorf("%s: got %v, want %q", name, err, says)
		}
	}
	if _, err := NewFileOffsetStore(nil, nil); err == nil || !strings.Contains(err.Error(), offsetFileKey) {
		t.Errorf("without the property: %v", err)
	}
}
