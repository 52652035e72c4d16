package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// parallel is how many layers are read at a time: unpacking one takes a core.
const parallel = 3

// Rootfs reads the root file system of the image, as far as the paths need it:
// those of files, and those of folders, with a slash behind, of which every file
// is of use. The layers go by as streams; nothing is unpacked. What was not asked
// for cannot be opened.
//
// Every layer is read to its end: only there is its digest known, and a lower
// layer may always hold a file that none above it has. Where links lead to places
// that were not foreseen, all are read a second time.
func (i *Image) Rootfs(ctx context.Context, paths []string) (fs.FS, error) {
	wanted := newSelection(paths)
	layers, err := i.readLayers(ctx, wanted, true)
	if err != nil {
		return nil, err
	}
	full, err := follow(layers, paths)
	if err != nil {
		return nil, err
	}
	root := merge(layers)
	if !wanted.covers(full) || lacks(root, full) {
		if layers, err = i.readLayers(ctx, full, false); err != nil {
			return nil, err
		}
		root = merge(layers)
	}
	return &files{root, wanted}, nil
}

// merge puts the layers on each other, the first below.
func merge(layers []*layer) *node {
	root := newFolder()
	for _, l := range layers {
		root = overlay(root, l.root)
	}
	return root
}

// lacks reports whether the content of a file that matters was not kept, although
// it is not too large.
func lacks(root *node, s *selection) bool {
	left := func(n *node) bool { return n != nil && n.left && n.size <= maxKept }
	for name := range s.files {
		if left(root.at(name)) {
			return true
		}
	}
	for name := range s.dirs {
		if folder := root.at(name); folder.isFolder() {
			for _, child := range folder.children {
				if left(child) {
					return true
				}
			}
		}
	}
	return false
}

// uppers are the layers that were read, by their place.
type uppers struct {
	mu   sync.Mutex
	read map[int]*layer
}

func (u *uppers) add(place int, l *layer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.read[place] = l
}

func (u *uppers) hide(place int, name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for p, l := range u.read {
		if p > place && l.root.hides(name) {
			return true
		}
	}
	return false
}

// readLayers reads the layers, a few at a time, from the top down: with skip, what
// an upper layer hides is not kept of the lower ones, if it is known in time. A
// layer that is there more than once is read once.
func (i *Image) readLayers(ctx context.Context, s *selection, skip bool) ([]*layer, error) {
	b := &budget{}
	done := &uppers{read: map[int]*layer{}}
	layers := make([]*layer, len(i.layers))
	first := map[string]int{} // the topmost place of each layer
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for place := len(i.layers) - 1; place >= 0; place-- {
		part := i.layers[place]
		if _, again := first[part.id()]; again {
			continue
		}
		first[part.id()] = place
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			l, err := i.readLayer(ctx, part, s, b, func(name string) bool { return skip && done.hide(place, name) })
			if err != nil {
				return fmt.Errorf("layer %d of %d, %s: %w", place+1, len(i.layers), part.id(), err)
			}
			layers[place] = l
			done.add(place, l)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, i.source.blobs.explain(err)
	}
	for place, part := range i.layers {
		layers[place] = layers[first[part.id()]]
	}
	return layers, nil
}

func (i *Image) readLayer(ctx context.Context, part part, s *selection, b *budget, hidden func(string) bool) (l *layer, err error) {
	blob, err := i.source.blobs.blob(ctx, part.Descriptor)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	whole := i.source.count(blob)
	if part.Digest.Hex != "" && !i.source.blobs.verifies() {
		whole = verify(whole, part.Digest.String(), part.Size)
	}
	unpacked, release, err := decompress(whole)
	if err != nil {
		return nil, err
	}
	defer release()
	var archive io.Reader = &metered{unpacked, b}
	if part.diffID != "" {
		archive = verify(archive, part.diffID, -1)
	}
	if l, err = readLayer(ctx, archive, s, b, hidden); err != nil {
		return nil, cutShort(err)
	}
	// The digests are known at the ends.
	if _, err = io.Copy(io.Discard, archive); err == nil {
		_, err = io.Copy(io.Discard, whole)
	}
	return l, cutShort(err)
}

// cutShort says in words that a layer ends too early.
func cutShort(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early")
	}
	return err
}

// metered counts towards what may be unpacked.
type metered struct {
	r io.Reader
	b *budget
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if limit := m.b.unpack(n); limit != nil {
		return n, limit
	}
	return n, err
}

// maxWindow is how many bytes of memory a compressed stream may ask for: what
// zstd needs at its highest level.
const maxWindow = 128 << 20

// decompress tells how a stream is compressed by its first bytes, as builders do.
func decompress(r io.Reader) (io.Reader, func(), error) {
	in := bufio.NewReaderSize(r, 256<<10)
	start, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case len(start) >= 2 && start[0] == 0x1f && start[1] == 0x8b:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, cutShort(err)
		}
		return z, func() { _ = z.Close() }, nil
	case isZstd(start):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return in, func() {}, nil
}

// isZstd tells a frame of zstd, or one to skip, with which the parallel
// compressors begin (https://www.rfc-editor.org/rfc/rfc8878#section-3.1).
func isZstd(start []byte) bool {
	return string(start) == "\x28\xb5\x2f\xfd" || len(start) == 4 && start[0]&0xf0 == 0x50 && string(start[1:]) == "\x2a\x4d\x18"
}

// verifier compares a stream with its digest where it ends.
type verifier struct {
	r      io.Reader
	check  digest.Verifier
	digest string
	left   int64 // bytes, if size is not negative
	size   int64
}

// verify reads a stream of that size, if it is not negative, and of that digest.
func verify(r io.Reader, d string, size int64) io.Reader {
	parsed, err := digest.Parse(d)
	if err != nil {
		return &failing{fmt.Errorf("%q is not a digest", d)}
	}
	return &verifier{r, parsed.Verifier(), d, size, size}
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	_, _ = v.check.Write(p[:n]) // a hash takes everything
	v.left -= int64(n)
	switch {
	case v.size >= 0 && v.left < 0:
		return n, fmt.Errorf("it is larger than the %d bytes that the manifest states", v.size)
	case !errors.Is(err, io.EOF):
		return n, err
	case v.size >= 0 && v.left > 0:
		return n, io.ErrUnexpectedEOF
	case !v.check.Verified():
		return n, fmt.Errorf("its content does not have the digest %s", v.digest)
	}
	return n, err
}

// failing is a stream that cannot be read.
type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }
