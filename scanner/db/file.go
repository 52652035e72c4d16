package db

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/example/microscanner-frontend/scanner/db/internal/sstable"
)

// table is an open file with a sorted table.
type table struct {
	path string
	file *os.File
	rows *sstable.Reader
	// words are those of the header.
	words []string
}

// openTable opens the file at path, which must have the size and hold what
// magic says. It is read and not mapped: what is read of a mapped file counts
// as memory of the process until the file is closed, and a file that is cut off
// meanwhile kills it.
func openTable(path string, size int64, magic string) (*table, error) {
	f, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, corrupt(path, errors.New("the file is missing"))
	}
	if err != nil {
		return nil, fmt.Errorf("open the advisory database: %w", err)
	}
	t := &table{path: path, file: f}
	if err := t.readIndex(size, magic); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

// openRegular opens a regular file. Without O_NONBLOCK, a named pipe in its
// place would hold up the caller for ever.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // G304: the directory is the user's, the name was checked.
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = corrupt(path, errors.New("not a regular file"))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (t *table) readIndex(size int64, magic string) error {
	info, err := t.file.Stat()
	if err != nil {
		return fmt.Errorf("open the advisory database: %w", err)
	}
	if info.Size() != size || int64(int(size)) != size {
		return corrupt(t.path, fmt.Errorf("%d bytes instead of %d", info.Size(), size))
	}
	var file io.ReaderAt = t.file
	if magic == rowsMagic {
		file = &ahead{file: t.file} // details are looked up in no order
	}
	if t.rows, err = sstable.NewReader(file, size); err != nil {
		return corrupt(t.path, err)
	}
	if t.words, err = readHeader(t.rows, magic); err != nil {
		return corrupt(t.path, err)
	}
	return nil
}
