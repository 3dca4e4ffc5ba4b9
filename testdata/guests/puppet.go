package guests

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Puppet is a sink or transformation that does with each batch what the script in it says: calls imports of the host
// with any arguments. Of a batch without a script it answers as any guest does.
func Puppet(kind string, capabilities ...string) Text {
	return Text{How: "puppet", Step: "batch", Kind: kind, Capabilities: capabilities}
}

// Script is what a puppet does, step after step. A step that the host answers otherwise than expected ends the puppet
// with the exit code 1,SSS,RRR: its number and the last digits of the answer. The end of a script is a trap.
type Script []byte

// Act is a step of a script.
type Act struct {
	op, loads, checked, want uint32
	args                     [argsMax]uint64
}

const (
	scriptMagic = "BERTHPUP"
	argsMax     = 9
	// Scratch is memory that a script may use, ScratchBytes of it.
	Scratch      = 0x200000
	ScratchBytes = 0x100000
	// Result is where the result of the last call lies, an i32.
	Result = 0x1ffff8
)

// Import is a function of the host.
type Import struct {
	Module, Name string
	Params       string // a letter each: i for i32, I for i64, F for f64
	Returns      bool   // an i32
}

// Imports are all functions that a host of ABI version 1 has.
var Imports = append(berthImports(), wasiImports()...)

func berthImports() []Import {
	all := []Import{
		{Name: abi.VersionImport}, {Name: abi.ImportPoll, Params: "ii", Returns: true},
		{Name: abi.ImportPut, Params: "iiiiii", Returns: true}, {Name: abi.ImportCommit, Params: "iii", Returns: true},
		{Name: abi.ImportLog, Params: "iii"}, {Name: abi.ImportMetric, Params: "iiiF"},
		{Name: abi.ImportPosition, Params: "i"}, {Name: abi.ImportNetDial, Params: "iii", Returns: true},
		{Name: abi.ImportNetTLS, Params: "iii", Returns: true},
		{Name: abi.ImportNetResolve, Params: "iii", Returns: true},
		{Name: abi.ImportNetStatus, Params: "iii", Returns: true},
	}
	for i := range all {
		all[i].Module = abi.HostModule
	}
	return all
}

// wasiImports are those of WASI preview 1, without proc_exit.
func wasiImports() []Import {
	var all []Import
	for line := range strings.Lines(wasi) {
		name, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		all = append(all, Import{"wasi_snapshot_preview1", name, params, true})
	}
	return all
}

const wasi = `args_get ii
args_sizes_get ii
clock_res_get ii
clock_time_get iIi
environ_get ii
environ_sizes_get ii
fd_advise iIIi
fd_allocate iII
fd_close i
fd_datasync i
fd_fdstat_get ii
fd_fdstat_set_flags ii
fd_fdstat_set_rights iII
fd_filestat_get ii
fd_filestat_set_size iI
fd_filestat_set_times iIIi
fd_pread iiiIi
fd_prestat_dir_name iii
fd_prestat_get ii
fd_pwrite iiiIi
fd_read iiii
fd_readdir iiiIi
fd_renumber ii
fd_seek iIii
fd_sync i
fd_tell ii
fd_write iiii
path_create_directory iii
path_filestat_get iiiii
path_filestat_set_times iiiiIIi
path_link iiiiiii
path_open iiiiiIIii
path_readlink iiiiii
path_remove_directory iii
path_rename iiiiii
path_symlink iiiii
path_unlink_file iii
poll_oneoff iiii
proc_raise i
random_get ii
sched_yield 
sock_accept iii
sock_recv iiiiii
sock_send iiiii
sock_shutdown ii`

// Imports is used by text/puppet.wat.
func (m Text) Imports() []Import { return Imports }

// Load tells how the argument of a parameter is loaded.
func (Import) Load(param rune) string {
	return map[rune]string{'i': "i32.load", 'I': "i64.load", 'F': "f64.load"}[param]
}

// Type of a parameter.
func (Import) Type(param rune) string {
	return map[rune]string{'i': "i32", 'I': "i64", 'F': "f64"}[param]
}

// Call calls an import by its name. Arguments that are missing are 0.
func Call(name string, args ...uint64) Act {
	i := slices.IndexFunc(Imports, func(f Import) bool { return f.Name == name })
	if i < 0 {
		panic("the host has no import " + name)
	}
	return act(uint32(i), args)
}

func act(op uint32, args []uint64) Act {
	a := Act{op: op}
	if len(args) > argsMax {
		panic("a step has too many arguments")
	}
	copy(a.args[:], args)
	return a
}

// Returns expects what the call returns.
func (a Act) Returns(want int32) Act {
	a.checked, a.want = 1, uint32(want)
	return a
}

// Unchecked takes whatever the call returns.
func (a Act) Unchecked() Act {
	a.checked = 0
	return a
}

// Loading takes these arguments out of memory, an i64 at the address that the argument is.
func (a Act) Loading(args ...int) Act {
	for _, i := range args {
		a.loads |= 1 << i
	}
	return a
}

// Operations of a puppet itself, behind the imports.
func own(n int, args ...uint64) Act { return act(uint32(len(Imports)+n), args) }

// Grow asks for pages of memory.
func Grow(pages uint64) Act { return own(0, pages) }

// Back goes back to a step so many times.
func Back(step, times uint64) Act { return own(1, step, times) }

// Exit ends the puppet.
func Exit(code uint64) Act { return own(3, code) }

// Answer goes on as a guest that behaves.
func Answer() Act { return own(4) }

// Write writes bytes to memory.
func Write(at uint64, content []byte) []Act {
	var all []Act
	for chunk := range slices.Chunk(content, 8*(argsMax-1)) {
		args := []uint64{at}
		padded := append(bytes.Clone(chunk), make([]byte, 8*(argsMax-1)-len(chunk))...)
		for word := range slices.Chunk(padded, 8) {
			args = append(args, binary.LittleEndian.Uint64(word))
		}
		all = append(all, own(2, args...))
		at += uint64(len(chunk))
	}
	return all
}

// Words are the bytes of 32-bit numbers.
func Words(numbers ...uint32) []byte {
	var all []byte
	for _, n := range numbers {
		all = binary.LittleEndian.AppendUint32(all, n)
	}
	return all
}

// NewScript encodes steps.
func NewScript(acts ...Act) Script {
	s := Script(scriptMagic)
	s = binary.LittleEndian.AppendUint32(s, uint32(len(acts)))
	for _, a := range acts {
		for _, n := range []uint32{a.op, a.loads, a.checked, a.want} {
			s = binary.LittleEndian.AppendUint32(s, n)
		}
		for _, n := range a.args {
			s = binary.LittleEndian.AppendUint64(s, n)
		}
	}
	return s
}
