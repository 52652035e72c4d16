package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// mapping is a read-only file in memory. Its data must not be used after close.
type mapping struct {
	path  string
	data  []byte
	unmap func() error
}

// openMapping maps the file at path, which must have the size.
func openMapping(path string, size int64) (*mapping, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the directory is the user's, the name was checked.
	if errors.Is(err, fs.ErrNotExist) {
		return nil, corrupt(path, errors.New("the file is missing"))
	}
	if err != nil {
		return nil, fmt.Errorf("open the advisory database: %w", err)
	}
	// A mapping outlives its file.
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open the advisory database: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() != size || size <= 0 || int64(int(size)) != size {
		return nil, corrupt(path, fmt.Errorf("%d bytes instead of %d", info.Size(), size))
	}
	data, unmap, err := mapFile(f, int(size))
	if err != nil {
		return nil, fmt.Errorf("map %s into memory: %w", path, err)
	}
	return &mapping{path, data, unmap}, nil
}

func (m *mapping) close() error {
	if m.unmap == nil {
		return nil
	}
	unmap := m.unmap
	m.data, m.unmap = nil, nil
	return unmap()
}
