package feed

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"strings"
)

// document is one that was read to its end.
type document struct {
	name   string
	digest [sha256.Size]byte
	etag   string
}

// Document is an open document of a feed, decompressed. A read past a limit is
// an error, not an end.
type Document struct {
	source *Source
	name   string
	r      io.Reader
	hash   hash.Hash
	etag   string
	ended  bool
	close  func() error
}

// Name is the document's path below the source, or the source's own name.
func (d *Document) Name() string {
	if d.name != "" {
		return d.name
	}
	return d.source.Location()
}

// Read reads what is in the document after decompression.
func (d *Document) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	d.hash.Write(p[:n])
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return n, d.source.wrap(d.name, err)
	}
	if !d.ended {
		d.ended = true
		doc := document{name: d.name, etag: d.etag}
		d.hash.Sum(doc.digest[:0])
		d.source.docs = append(d.source.docs, doc)
	}
	return n, io.EOF
}

// Finish makes sure that nothing but space follows what was read, and takes
// the document into the source's account.
func (d *Document) Finish(buffered io.Reader) error {
	rest := io.MultiReader(buffered, d)
	buf := make([]byte, 4096)
	for {
		n, err := rest.Read(buf)
		if strings.TrimSpace(string(buf[:n])) != "" {
			return d.source.wrap(d.name, errors.New("there is more after the end of the document"))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Close closes the document.
func (d *Document) Close() error { return d.close() }
