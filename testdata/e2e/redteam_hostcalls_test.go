package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// Error numbers of WASI.
const (
	wasiAccess, wasiBadf, wasiFault, wasiInval = 2, 8, 21, 28
	wasiMfile, wasiNameTooLong                 = 33, 37
	wasiNosys, wasiPerm                        = 52, 63
)

// fullScript ends with the trap of a puppet that has got all the answers that it expected.
const fullScript = "unreachable"

// hostCallAttack is a script, and what the trace of its task says.
type hostCallAttack struct {
	name string
	acts []guests.Act
	says string
}

// A module calls every function of the host with what no honest module has: pointers, lengths, descriptors of others.
func TestRedTeamHostCalls(t *testing.T) {
	f := startFortress(t)
	puppet := guests.Puppet("sink", abi.CapabilityFiles)
	if code, answer := f.upload("puppet", puppet.Build(t)); code != http.StatusCreated {
		t.Fatalf("upload: %d %s", code, answer)
	}
	outside := f.setTraps()
	for _, a := range slices.Concat(pointerAttacks(), descriptorAttacks(), sizeAttacks(), pathAttacks()) {
		f.attack(t, a.name, func(p *process) { p.perform(a, puppet.Class()) })
	}
	f.attack(t, "race-of-a-rename-and-an-open", func(p *process) { p.raceRenameAndOpen(puppet.Class()) })
	left, err := os.ReadDir(outside)
	if err != nil || len(left) != 1 || string(read(t, filepath.Join(outside, "secret"))) != "secret" {
		t.Errorf("outside of the granted folder there are %v, %v", left, err)
	}
	f.finish()
}

// setTraps puts into the granted folder what leads out of it.
func (f *fortress) setTraps() (outside string) {
	f.t.Helper()
	outside = f.t.TempDir()
	secret := filepath.Join(outside, "secret")
	for _, err := range []error{
		os.WriteFile(secret, []byte("secret"), 0o600),
		os.Symlink(outside, f.file("out")), os.Symlink(secret, f.file("link")), os.Symlink("loop", f.file("loop")),
		os.Symlink(filepath.Join(outside, "new"), f.file("dangling")),
		os.Symlink("/proc/self/environ", f.file("environ")), os.Symlink("/proc/self/root", f.file("root")),
		syscall.Mkfifo(f.file("pipe"), 0o600), os.Mkdir(f.file("real"), 0o700), os.Symlink(outside, f.file("way")),
	} {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return outside
}

// perform gives a script to a sink of its own.
func (p *process) perform(a hostCallAttack, class string) {
	p.t.Helper()
	name := p.name(strings.ReplaceAll(a.name, "/", "-"))
	p.script(name, class, guests.NewScript(a.acts...))
	contains(p.t, p.awaitFailure(name), a.says, "plugin "+class)
	p.ask("DELETE", "/connectors/"+name, nil, nil)
}

func (p *process) script(name, class string, script guests.Script) {
	p.t.Helper()
	p.CreateTopic(p.t, name, 1)
	p.Produce(p.t, kafkatest.Record{Topic: name, Value: script})
	p.put(name, p.sink(p.file(name), name).with(keys{"connector.class": class, "value.converter": asBytes}))
}

// pointerAttacks call each import with pointers and lengths at and over the end of memory, and with descriptors that
// nobody has.
func pointerAttacks() []hostCallAttack {
	var all []hostCallAttack
	edges := []uint64{0xffffffff, 0xfffffff0, 0x80000000, 0x7fffffff, 4 << 20, 4<<20 - 1, 0}
	for _, f := range guests.Imports {
		if len(f.Params) == 0 {
			continue
		}
		a := hostCallAttack{name: "wild-arguments-of/" + f.Name, says: fullScript}
		for _, edge := range edges {
			args := slices.Repeat([]uint64{edge}, len(f.Params))
			a.acts = append(a.acts, guests.Call(f.Name, args...))
			args[0] = 3 // what is granted
			a.acts = append(a.acts, guests.Call(f.Name, args...))
			args[0] = 1 << 20 // the task's own
			a.acts = append(a.acts, guests.Call(f.Name, args...))
		}
		switch f.Name { // which have no way to answer that
		case abi.ImportPoll:
			a.says = "buffer outside of memory"
		case abi.ImportNetStatus:
			a.says = "an fd that is not open"
		case abi.ImportCommit: // which breaks the ABI by its number alone; the guest goes on until that ends it
			a.acts, a.says = append(a.acts, guests.Back(1, 1<<20)), "which asks for none"
		case abi.ImportPut: // the same
			a.acts, a.says = append(a.acts, guests.Back(1, 1<<20)), "put of unknown kind 0"
		}
		all = append(all, a)
	}
	return all
}

// descriptorAttacks try descriptors: those of the worker, and numbers that no table of descriptors should grow to.
func descriptorAttacks() []hostCallAttack {
	var others []guests.Act
	for fd := uint64(4); fd < 400; fd++ {
		others = append(others, guests.Call("fd_filestat_get", fd, guests.Scratch).Returns(wasiBadf),
			guests.Call("fd_write", fd, guests.Scratch, 1, guests.Scratch+8).Returns(wasiBadf))
	}
	return []hostCallAttack{
		{"descriptors-of-the-worker", others, fullScript},
		{"descriptor-moved-to-a-giant-number", append(openFile("moved", 1),
			guests.Call("fd_renumber", 4, 0x7ffffff0).Returns(wasiBadf),
			guests.Call("fd_renumber", 4, 5).Returns(0)), fullScript},
		{"files-opened-without-end", append(openFile("many", 1), openFile("many", 1)[1].Unchecked(), guests.Back(2, 300),
			openFile("many", 1)[1].Returns(wasiMfile)), fullScript},
		{"standard-input-of-the-worker", append(guests.Write(guests.Scratch, guests.Words(guests.Scratch+64, 1024)),
			guests.Call("fd_read", 0, guests.Scratch, 1, guests.Scratch+8).Returns(0),
			guests.Exit(guests.Scratch+8).Loading(0)), "exited early"}, // 0: not a byte was there
		{"environment-of-the-worker", []guests.Act{
			guests.Call("environ_sizes_get", guests.Scratch, guests.Scratch+8).Returns(0),
			guests.Exit(guests.Scratch).Loading(0)}, "exit code 1"}, // one variable: TZ
		{"signal-to-the-worker", []guests.Act{guests.Call("proc_raise", 9).Returns(wasiNosys)}, fullScript},
		{"task-descriptor-closed-and-moved", []guests.Act{guests.Call("fd_close", 1<<20).Returns(0),
			guests.Call("fd_renumber", 1<<20, 9).Returns(wasiBadf), guests.Call("fd_renumber", 3, 1<<20).Returns(wasiBadf),
			guests.Call("fd_fdstat_get", 1<<20, guests.Scratch).Returns(0)}, fullScript},
		{"listening-for-connections", []guests.Act{guests.Call("sock_accept", 3, 0, guests.Scratch).Returns(wasiBadf),
			guests.Call("sock_accept", 1<<20, 0, guests.Scratch).Returns(wasiBadf)}, fullScript},
		{"four-billion-subscriptions", []guests.Act{
			guests.Call("poll_oneoff", 0, 0, 0xffffffff, 0).Returns(wasiInval),
			guests.Call("poll_oneoff", 0, 0, 0x05555556, guests.Scratch).Returns(wasiInval)}, fullScript},
		{"dialling-without-the-capability", append(guests.Write(guests.Scratch, []byte("127.0.0.1")),
			guests.Call(abi.ImportNetDial, guests.Scratch, 9, 22).Returns(1<<20+1),
			guests.Call(abi.ImportNetStatus, 1<<20+1, guests.Scratch+64, 4096), // u32 code: 1, not granted
			guests.Exit(guests.Scratch+64).Loading(0)), "exit code 1"},
	}
}

// sizeAttacks ask for more than anybody needs.
func sizeAttacks() []hostCallAttack {
	huge := []guests.Act{guests.Grow(4000)}
	const quarter = 250_000_000
	long := []hostCallAttack{}
	for name, args := range map[string][]uint64{
		"path_open": {3, 1, 0, quarter, 0, 0, 0, 0, 0}, "path_filestat_get": {3, 0, 0, quarter, 0},
		"path_create_directory": {3, 0, quarter}, "path_remove_directory": {3, 0, quarter},
		"path_unlink_file": {3, 0, quarter}, "path_readlink": {3, 0, quarter, 0, 0},
		"path_rename": {3, 0, 1, 3, 0, quarter}, "path_link": {3, 0, 0, 1, 3, 0, quarter},
		"path_symlink": {0, quarter, 3, 0, quarter}, "path_filestat_set_times": {3, 0, 0, quarter, 0, 0, 0},
	} {
		long = append(long, hostCallAttack{"path-of-a-quarter-gigabyte/" + name,
			append(huge[:1:1], guests.Call(name, args...).Returns(wasiNameTooLong)), fullScript})
	}
	return append(long,
		hostCallAttack{"random-bytes-for-half-a-gigabyte", append(huge[:1:1],
			guests.Call("random_get", 0x300000, quarter), guests.Back(1, 100)), "limit cpu-per-batch"},
		hostCallAttack{"list-of-buffers-without-end", append(huge[:1:1],
			guests.Call("fd_write", 2, 0x1000000, 0x1000000, guests.Scratch), guests.Back(1, 1<<30)), "limit cpu-per-batch"},
		hostCallAttack{"file-of-a-petabyte", append(openFile("sparse", 1),
			guests.Call("fd_filestat_set_size", 4, 1<<50), guests.Call("fd_allocate", 4, 1<<49, 1<<49)), fullScript},
		hostCallAttack{"write-at-the-end-of-time", append(openFile("far", 1),
			guests.Call("fd_pwrite", 4, guests.Scratch, 1, 0xffffffffffffffff, guests.Scratch+16),
			guests.Call("fd_seek", 4, 0x7fffffffffffffff, 0, guests.Scratch+16)), fullScript},
		hostCallAttack{"directory-of-ten-thousand-read-at-any-place", []guests.Act{
			guests.Call("fd_readdir", 3, guests.Scratch, 4096, 0xffffffffffffffff, guests.Result-16),
			guests.Call("fd_readdir", 3, guests.Scratch, 0xffffffff, 0, guests.Result-16)}, fullScript},
	)
}

// openFile opens a file of the granted folder, as descriptor 4.
func openFile(name string, oflags uint64) []guests.Act {
	return append(guests.Write(guests.Scratch+0x1000, []byte(name)), guests.Call("path_open", 3, 1, guests.Scratch+0x1000,
		uint64(len(name)), oflags, 1<<1|1<<6, 0, 0, guests.Scratch+0x2000).Returns(0))
}

// pathAttacks try to leave the granted folder.
func pathAttacks() []hostCallAttack {
	var all []hostCallAttack
	for path, errno := range map[string]int32{
		"../secret": wasiPerm, "a/../../secret": wasiPerm, "/etc/passwd": wasiPerm, "..": wasiPerm, "real/../..": wasiPerm,
		"out/secret": wasiAccess, "out/new": wasiAccess, "link": wasiAccess, "dangling": wasiAccess, "environ": wasiAccess,
		"root/etc/passwd": wasiAccess, "out/../../../etc/passwd": wasiPerm, "loop": wasiAccess, "pipe": wasiAccess,
		"real/\x00/../../../etc/passwd": wasiPerm, "real/\x00": wasiInval, "out/": wasiAccess,
	} {
		name := strings.NewReplacer("/", "_", "\x00", "NUL").Replace(path)
		open := openFile(path, 1)
		open[len(open)-1] = open[len(open)-1].Returns(errno)
		all = append(all, hostCallAttack{"open-of/" + name, open, fullScript})
	}
	write := guests.Write(guests.Scratch, []byte("out/new real/new ../new /etc"))
	at := func(step guests.Act) []guests.Act { return append(slices.Clone(write), step) }
	return append(all, []hostCallAttack{
		{"folder-made-behind-a-link", at(guests.Call("path_create_directory", 3, guests.Scratch, 7).Returns(wasiAccess)),
			fullScript},
		{"file-removed-behind-a-link", append(guests.Write(guests.Scratch, []byte("out/secret")),
			guests.Call("path_unlink_file", 3, guests.Scratch, 10).Returns(wasiAccess)), fullScript},
		{"rename-out-behind-a-link", at(guests.Call("path_rename", 3, guests.Scratch+8, 4, 3, guests.Scratch, 7).
			Returns(wasiAccess)), fullScript},
		{"rename-out-by-dots", at(guests.Call("path_rename", 3, guests.Scratch+8, 4, 3, guests.Scratch+17, 6).
			Returns(wasiPerm)), fullScript},
		{"symbolic-link-made", at(guests.Call("path_symlink", guests.Scratch+24, 4, 3, guests.Scratch+8, 8).
			Returns(wasiPerm)), fullScript},
		{"hard-link-made", at(guests.Call("path_link", 3, 0, guests.Scratch+8, 4, 3, guests.Scratch+8, 8).
			Returns(wasiPerm)), fullScript},
		{"times-set-behind-a-link", at(guests.Call("path_filestat_set_times", 3, 1, guests.Scratch, 3, 0, 0, 5).
			Returns(wasiAccess)), fullScript},
	}...)
}

// raceRenameAndOpen has one module swap a folder for a link that leads outside, again and again, while another creates
// files in it: each must be inside, whatever was looked at when.
func (p *process) raceRenameAndOpen(class string) {
	p.t.Helper()
	swap := guests.Write(guests.Scratch, []byte("real swap way"))
	move := func(from, fromLen, to, toLen uint64) guests.Act {
		return guests.Call("path_rename", 3, guests.Scratch+from, fromLen, 3, guests.Scratch+to, toLen)
	}
	swap = append(swap, move(0, 4, 5, 4), move(5, 4, 0, 4), move(10, 3, 5, 4), move(5, 4, 10, 3), guests.Back(1, 1<<30))
	create := append(openFile("swap/made", 1)[:1:1], openFile("swap/made", 1)[1].Unchecked(),
		guests.Call("fd_close", 4), guests.Back(1, 1<<30))
	for round := range 3 {
		for what, acts := range map[string][]guests.Act{"swaps": swap, "creates": create} {
			p.script(p.name(fmt.Sprint(what, round)), class, guests.NewScript(acts...))
		}
		for _, what := range []string{"swaps", "creates"} {
			name := p.name(fmt.Sprint(what, round))
			contains(p.t, p.awaitFailure(name), "limit cpu-per-batch")
			p.ask("DELETE", "/connectors/"+name, nil, nil)
		}
	}
}
