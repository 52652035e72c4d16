package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// maxBody is the size of a scan's body as it is sent, compressed or not.
const maxBody = 8 << 20

var errBudget = errors.New("the memory for requests and reports is used up")

// readBody reads a body as it was sent. Its memory is the budget's, until the
// buffer is freed.
func (a *API) readBody(w http.ResponseWriter, r *http.Request) (*buffer, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge("the body is larger than %d MiB; compress it", maxBody>>20)
	}
	out := &buffer{from: a.memory}
	// A byte more is for reading the end. What is announced may never come.
	out.expect = min(max(r.ContentLength+1, leastBuffer), mostExpected)
	_, err := out.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return out, nil
	}
	out.free()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge("the body is larger than %d MiB; compress it", maxBody>>20)
	case errors.Is(err, errBudget):
		return nil, unavailable("the service has too much to do", err)
	}
	return nil, badRequest("the body did not come, or not in time")
}

// bodies unpacks bodies. Decoders and buffers are used again: making them costs
// more than a scan.
type bodies struct{ texts, gzips, zstds sync.Pool }

// keptText is the size up to which a buffer is used again.
const keptText = 1 << 20

// unpack gives the text of a body to use, and takes it back afterwards.
func (b *bodies) unpack(encoding string, body []byte, use func(text []byte) error) error {
	text, ok := b.texts.Get().(*bytes.Buffer)
	if !ok {
		text = new(bytes.Buffer)
	}
	defer func() {
		if text.Cap() <= keptText {
			text.Reset()
			b.texts.Put(text)
		}
	}()
	packed := bytes.NewReader(body)
	var err error
	switch strings.ToLower(encoding) {
	case "", "identity":
		return use(body) // at most maxBody
	case "gzip":
		err = b.gunzip(text, packed)
	case "zstd":
		err = b.unzstd(text, packed)
	default:
		return badRequest("the Content-Encoding is neither gzip nor zstd nor identity")
	}
	switch {
	case text.Len() > inventory.MaxSize:
		return tooLarge("the body is larger than %d MiB when it is unpacked", inventory.MaxSize>>20)
	case err != nil:
		return badRequest("the body is damaged: it is not %s", strings.ToLower(encoding))
	}
	return use(text.Bytes())
}

func (b *bodies) gunzip(to *bytes.Buffer, from io.Reader) error {
	z, ok := b.gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	if err := z.Reset(from); err != nil {
		return fmt.Errorf("gzip: %w", err)
	}
	_, err := to.ReadFrom(io.LimitReader(z, inventory.MaxSize+1))
	b.gzips.Put(z)
	return err
}

func (b *bodies) unzstd(to *bytes.Buffer, from io.Reader) error {
	z, ok := b.zstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxBody))
		if err != nil {
			return fmt.Errorf("zstd: %w", err)
		}
	}
	if err := z.Reset(from); err != nil {
		return fmt.Errorf("zstd: %w", err)
	}
	_, err := to.ReadFrom(io.LimitReader(z, inventory.MaxSize+1))
	_ = z.Reset(nil) // lets go of the body
	b.zstds.Put(z)
	return err
}

// The bounds of a scan's document beside its size. A real one nests 4 deep. They
// bound what decoding it can take: an empty object is two bytes in a text, and
// two hundred in memory.
const (
	maxDepth   = 16
	maxObjects = inventory.MaxPackages + 20_000
	maxValues  = 20 * inventory.MaxPackages
)

// checkShape counts objects and lists, and refuses a text that would take too much
// to decode. It does not tell whether it is JSON.
func checkShape(text []byte) (objects int, err error) {
	depth, values := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = endOfString(text, i+1)
		case '{', '[':
			objects++
			if depth++; depth > maxDepth {
				return 0, badRequest("the document nests more than %d deep", maxDepth)
			}
		case '}', ']':
			depth--
		case ',':
			values++
		}
	}
	if objects > maxObjects || values > maxValues {
		return 0, tooLarge("the document holds more than %d objects and lists, or more than %d values; an inventory has at most %d packages",
			maxObjects, maxValues, inventory.MaxPackages)
	}
	return objects, nil
}

// endOfString is the index of the quote that ends the string whose content
// begins at from, or the length of the text.
func endOfString(text []byte, from int) int {
	for {
		n := bytes.IndexByte(text[from:], '"')
		if n < 0 {
			return len(text)
		}
		at := from + n
		escapes := 0
		for at-escapes > from && text[at-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
		from = at + 1
	}
}
