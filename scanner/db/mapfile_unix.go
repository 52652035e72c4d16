//go:build unix

package db

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps size bytes of f. Only the pages that are read take memory, and
// they are the page cache's own.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
