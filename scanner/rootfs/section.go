package rootfs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

const (
	// maxAhead is how many bytes are read at once of a file that is not mapped.
	maxAhead = 128 << 10
	// aroundFault is how many bytes Linux maps when one of them is looked at.
	aroundFault = 64 << 10
	// maxMapped is how many mapped bytes count as memory of the process at a time.
	maxMapped = 8 << 20
)

// Section is a file with the size it had when it was opened, for reading in any
// order. It is not safe for concurrent use.
type Section struct {
	*io.SectionReader

	// Of a file that is not mapped: the bytes from start on.
	buffer, window []byte
	start          int64

	mapped  []byte
	near    int64  // the block of aroundFault bytes that was looked at last
	touched []bool // blocks that count as memory
	held    int    // number of them
}

// Section gives the file for reading in any order. It counts as read whole. A
// file that can only be read from its start to its end is read into memory.
func (f *File) Section() (*Section, error) {
	if r, ok := f.f.(io.ReaderAt); ok {
		f.left = f.limit - f.info.Size()
		return NewSection(r, f.info.Size()), nil
	}
	dt, err := io.ReadAll(f)
	return NewSection(bytes.NewReader(dt), int64(len(dt))), err
}

// NewSection is the first size bytes of r.
func NewSection(r io.ReaderAt, size int64) *Section {
	return &Section{SectionReader: io.NewSectionReader(r, 0, size)}
}

// Map calls visit with the file as Section gives it, mapped if it can be: to copy
// it would take most of the time of looking into a large file. The section, and
// what its Bytes gave, must not be used after visit, nor by other goroutines. A
// file that is cut off meanwhile, or a disk that fails, ends visit: ErrCutOff.
func (f *File) Map(visit func(*Section) error) (err error) {
	s, err := f.Section()
	if err != nil {
		return err
	}
	file, ok := f.f.(*os.File)
	if !ok || s.Size() != int64(int(s.Size())) {
		return visit(s)
	}
	mapped, err := unix.Mmap(int(file.Fd()), 0, int(s.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return visit(s) // it is empty, or its file system maps nothing
	}
	s.mapped, s.near, s.touched = mapped, -1, make([]bool, s.Size()/aroundFault+1)
	defer func() { err = errors.Join(err, unix.Munmap(mapped)) }()
	if err = catchFault(func() error { return visit(s) }); errors.Is(err, ErrCutOff) {
		err = describe(f.name, err)
	}
	return err
}

// ErrCutOff is wrapped by the error of Map for a file that has not all bytes any
// more that it had when it was opened.
var ErrCutOff error = fault("was cut off, or its disk failed, while it was read")

// catchFault calls visit and makes an error of a fault of memory. Nothing but a
// mapped file can cause one: that is the signal SIGBUS, and Go has no other bad
// addresses.
func catchFault(visit func() error) (err error) {
	defer func() {
		r := recover()
		if _, ok := r.(interface {
			runtime.Error
			Addr() uintptr
		}); ok {
			err = ErrCutOff
		} else if r != nil {
			panic(r)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return visit()
}

// Mapped reports whether what Bytes gives is the file itself: then nothing is
// read, or copied, that is not looked at.
func (s *Section) Mapped() bool { return s.mapped != nil }

// Bytes are n bytes of the file, valid until the next call, and not to be
// written to. If the file is changed meanwhile, they may change. They are the
// first of so many that are probably asked for in a row. The error is
// io.ErrUnexpectedEOF if the file ends before.
func (s *Section) Bytes(off int64, n, run int) ([]byte, error) {
	if off < 0 || n < 0 || off > s.Size()-int64(n) {
		return nil, io.ErrUnexpectedEOF
	}
	if s.mapped != nil {
		s.touch(off, n)
		return s.mapped[off:][:n:n], nil
	}
	if off < s.start || off+int64(n) > s.start+int64(len(s.window)) {
		if err := s.fill(off, n, run); err != nil {
			return nil, err
		}
	}
	return s.window[off-s.start:][:n:n], nil
}

// fill reads n bytes and some of the run, the more the longer what was asked for
// was in a row: what is read in vain stays in proportion.
func (s *Section) fill(off int64, n, run int) error {
	length := 2 * n
	if off == s.start+int64(len(s.window)) {
		length = max(length, 2*len(s.window))
	}
	length = int(min(int64(max(n, min(length, run, maxAhead))), s.Size()-off))
	if cap(s.buffer) < length {
		s.buffer = make([]byte, max(length, maxAhead))
	}
	s.window, s.start = nil, 0 // in case of an error
	read, err := s.ReadAt(s.buffer[:length], off)
	if read < length {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	s.window, s.start = s.buffer[:length], off
	return nil
}

// touch notes that bytes of a mapped file are looked at, and lets the earlier
// ones go when there are many: they count as memory of the process.
func (s *Section) touch(off int64, n int) {
	first, last := off/aroundFault, (off+int64(max(n, 1))-1)/aroundFault
	if first == s.near && last == s.near {
		return
	}
	s.near = last
	for block := first; block <= last; block++ {
		if !s.touched[block] {
			s.touched[block] = true
			s.held++
		}
	}
	if s.held > maxMapped/aroundFault {
		clear(s.touched)
		s.held = 0
		// An error costs memory and nothing else.
		_ = unix.Madvise(s.mapped, unix.MADV_DONTNEED)
	}
}
