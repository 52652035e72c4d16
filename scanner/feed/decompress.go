package feed

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// maxWindow is the most memory that a zstd or xz stream may ask for: the window
// of zstd --ultra --long=27, and twice that of xz -9.
const maxWindow = 128 << 20

// compression is a compression that a document is recognised by.
type compression struct {
	magic string
	ext   string
	open  func(io.Reader) (io.Reader, func(), error)
}

func compressions() []compression {
	return []compression{
		{"\x1f\x8b", ".gz", func(r io.Reader) (io.Reader, func(), error) {
			z, err := gzip.NewReader(r)
			return z, func() {}, err
		}},
		{"BZh", ".bz2", func(r io.Reader) (io.Reader, func(), error) {
			return bzip2.NewReader(r), func() {}, nil
		}},
		{"\x28\xb5\x2f\xfd", ".zst", func(r io.Reader) (io.Reader, func(), error) {
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
			if err != nil {
				return nil, nil, err
			}
			return z, z.Close, nil
		}},
		{"\xfd7zXZ\x00", ".xz", func(r io.Reader) (io.Reader, func(), error) {
			z, err := xz.NewReader(r, maxWindow)
			return z, func() {}, err
		}},
	}
}

// decompress unpacks what r holds. It looks at the first bytes: the names of
// feeds and the headers of their servers do not always tell. The function that
// it returns must be called when reading is over.
func decompress(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	for _, c := range compressions() {
		if !bytes.HasPrefix(head, []byte(c.magic)) {
			continue
		}
		unpacked, done, err := c.open(b)
		if err != nil {
			return nil, nil, fmt.Errorf("unpack: %w", err)
		}
		return unpacked, done, nil
	}
	return b, func() {}, nil
}

// plainName is a document's name without the ending of a compression.
func plainName(name string) string {
	for _, c := range compressions() {
		name = strings.TrimSuffix(name, c.ext)
	}
	return name
}

// limit gives what r holds, and an error instead of what lies beyond so many bytes.
func limit(r io.Reader, most int64, what string) io.Reader {
	return &limitedReader{r, most, most, what}
}

type limitedReader struct {
	r         io.Reader
	left, max int64
	what      string
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, &sizeError{l.max, l.what}
	}
	// One byte more than is left tells a document that ends at the limit from
	// one that goes on.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, &sizeError{l.max, l.what}
	}
	return n, err
}

// sizeError is the error for what is larger than its limit.
type sizeError struct {
	most int64
	what string
}

func (e *sizeError) Error() string { return fmt.Sprintf("more than %d bytes %s", e.most, e.what) }
