package db

import "golang.org/x/sys/unix"

// exchange swaps two directories in one step, so that a reader sees the old or
// the new one and never none.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}
