package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeOutput writes a document to the file name, or to standard output if
// name is empty or "-". A file appears whole or not at all: a disk that fills
// up leaves what was there before.
func writeOutput(env Env, name string, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		return buffered(env.Stdout, "standard output", write)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeThrough(name, write)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".tmp-*")
	if err != nil {
		return cannotWrite(name, err)
	}
	err = buffered(f, name, write)
	if err == nil {
		err = f.Chmod(0o644)
	}
	// Some file systems tell of a full disk only here.
	if e := f.Close(); err == nil && e != nil {
		err = cannotWrite(name, e)
	}
	if err == nil {
		if e := os.Rename(f.Name(), name); e != nil {
			err = cannotWrite(name, e)
		}
	}
	if err == nil {
		return nil
	}
	if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
		return fmt.Errorf("%w; the unfinished %s is left behind: %w", err, f.Name(), pathCause(e))
	}
	return err
}

// writeThrough writes to something that must not be replaced: a device or a pipe.
func writeThrough(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // the user names the file
	if err != nil {
		return cannotWrite(name, err)
	}
	err = buffered(f, name, write)
	if e := f.Close(); err == nil && e != nil {
		err = cannotWrite(name, e)
	}
	return err
}

func buffered(w io.Writer, name string, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	err := write(b)
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		return cannotWrite(name, err)
	}
	return nil
}

func cannotWrite(name string, err error) error {
	return fmt.Errorf("cannot write %s: %w", name, pathCause(err))
}

// pathCause drops the operation and the path that the os package puts before
// a cause, where the text around it names the path already.
func pathCause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
