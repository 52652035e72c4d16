package rootfs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// File is a regular file that is read up to a limit.
type File struct {
	name  string
	f     fs.File
	info  fs.FileInfo
	left  int64
	limit int64
}

// Info describes the file as it was when it was opened.
func (f *File) Info() fs.FileInfo { return f.info }

// Consumed is the number of bytes read so far.
func (f *File) Consumed() int64 { return f.limit - f.left }

// OpenFile opens a regular file of fsys. A file that is larger than limit bytes
// is an error, here or when Read comes to the limit. Every error names the file,
// and is fs.ErrNotExist only if the file does not exist.
func OpenFile(fsys fs.FS, name string, limit int64) (*File, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, describe(name, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fault("is a directory, not a regular file")
	case !info.Mode().IsRegular():
		err = Readable(info.Mode())
	case info.Size() > limit:
		err = tooLarge(limit)
	default:
		return &File{name, f, info, limit, limit}, nil
	}
	return nil, errors.Join(describe(name, err), f.Close())
}

// Read reads from the file. Its errors name the file.
func (f *File) Read(p []byte) (int, error) {
	if int64(len(p)) > f.left+1 {
		p = p[:f.left+1]
	}
	n, err := f.f.Read(p)
	f.left -= int64(n)
	if f.left < 0 {
		return n, describe(f.name, tooLarge(f.limit))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, describe(f.name, err)
	}
	return n, err
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// ReadFile reads a regular file of at most limit bytes whole.
func ReadFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := OpenFile(fsys, name, limit)
	if err != nil {
		return nil, err
	}
	dt, err := io.ReadAll(f)
	return dt, errors.Join(err, f.Close())
}

// ReadDir lists a directory of at most limit entries, sorted by name.
func ReadDir(fsys fs.FS, name string, limit int) ([]fs.DirEntry, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, describe(name, err)
	}
	entries, err := readDir(f, limit)
	if err != nil {
		err = describe(name, err)
	}
	return entries, errors.Join(err, f.Close())
}

func readDir(f fs.File, limit int) ([]fs.DirEntry, error) {
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, fault("is a regular file, not a directory")
	}
	entries, err := dir.ReadDir(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(entries) > limit {
		return nil, fault(fmt.Sprintf("holds more than the limit of %d files", limit))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// fault is what is wrong with a file, said so that it continues the file's name.
type fault string

func (e fault) Error() string { return string(e) }

func describe(name string, err error) error {
	err = cause(err)
	if f, ok := errors.AsType[fault](err); ok {
		return fmt.Errorf("%s %w", name, f)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s cannot be read: %w; run the scan as root", name, err)
	}
	return fmt.Errorf("%s cannot be read: %w", name, err)
}

func tooLarge(limit int64) error {
	return fault(fmt.Sprintf("is larger than the limit of %d KiB", limit>>10))
}
