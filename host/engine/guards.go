package engine

import (
	"github.com/berth-connect/berth/host"
)

// Functions of wazero that take sizes and numbers from a guest as they come: what they would copy, grow or look for is
// bounded here.

const (
	errnoMfile       = 33
	errnoNametoolong = 37

	// pathBytesMax is Linux's PATH_MAX: a longer path is copied and cleaned several times before it is refused.
	pathBytesMax = 4096
	standardFds  = 3
)

// pathLengths are the parameters that are lengths of paths.
var pathLengths = map[string][]int{
	"path_create_directory":   {2},
	"path_filestat_get":       {3},
	"path_filestat_set_times": {3},
	"path_link":               {3, 6},
	"path_open":               {3},
	"path_readlink":           {2},
	"path_remove_directory":   {2},
	"path_rename":             {2, 5},
	"path_symlink":            {1, 4},
	"path_unlink_file":        {2},
}

// guard refuses arguments of a WASI function; 0: none.
type guard func(stack []uint64) (errno uint64)

// guardOf returns the guard of a function, nil: it has none.
func guardOf(name string) guard {
	if lengths := pathLengths[name]; lengths != nil {
		return func(stack []uint64) uint64 { return refusePaths(stack, lengths) }
	}
	return map[string]guard{"fd_renumber": refuseGiantFd, "fd_filestat_set_times": refuseStandardFd}[name]
}

func refusePaths(stack []uint64, lengths []int) uint64 {
	for _, i := range lengths {
		if uint32(stack[i]) > pathBytesMax {
			return errnoNametoolong
		}
	}
	return errnoSuccess
}

// refuseGiantFd: wazero's table of descriptors grows up to the number, which may be 2^31.
func refuseGiantFd(stack []uint64) uint64 {
	if uint32(stack[1]) >= 2*host.OpenFilesMax {
		return errnoBadf
	}
	return errnoSuccess
}

// refuseStandardFd: wazero looks for the file system of standard streams, which have none.
func refuseStandardFd(stack []uint64) uint64 {
	if uint32(stack[0]) < standardFds {
		return errnoInval
	}
	return errnoSuccess
}
