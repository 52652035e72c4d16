package db

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted counts what is read of a file.
type counted struct {
	io.ReaderAt
	reads int
}

func (c *counted) ReadAt(to []byte, off int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(to, off)
}

// TestAhead reads as the file itself does: inside it, at its end and beyond.
func TestAhead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 10*aheadBytes)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	a := &ahead{file: bytes.NewReader(text)}
	for range 5000 {
		off, length := random.Int64N(int64(len(text)+100)), random.IntN(500)
		if random.IntN(50) == 0 {
			length = random.IntN(3 * aheadBytes)
		}
		want, got := make([]byte, length), make([]byte, length)
		n, err := bytes.NewReader(text).ReadAt(want, off)
		m, got2 := a.ReadAt(got, off)
		require.Equal(t, want, got)
		require.Equal(t, n, m)
		require.Equal(t, err == nil || n == length, got2 == nil, "%v %v", err, got2)
	}
}

// TestAheadInOrder: two ways through a file take few reads.
func TestAheadInOrder(t *testing.T) {
	file := &counted{ReaderAt: bytes.NewReader(make([]byte, 20*aheadBytes))}
	a := &ahead{file: file}
	for off := int64(0); off+100 <= 10*aheadBytes; off += 100 {
		for _, from := range []int64{0, 10 * aheadBytes} {
			_, err := a.ReadAt(make([]byte, 100), from+off)
			require.NoError(t, err)
		}
	}
	assert.LessOrEqual(t, file.reads, 22)
}

type failing struct{}

var errDisk = errors.New("disk")

func (failing) ReadAt(to []byte, _ int64) (int, error) { return len(to) / 2, errDisk }

// TestAheadError: an error is of the read that needs what is not there.
func TestAheadError(t *testing.T) {
	a := &ahead{file: failing{}}
	_, err := a.ReadAt(make([]byte, 100), 0)
	require.NoError(t, err)
	_, err = a.ReadAt(make([]byte, aheadBytes), 0)
	require.ErrorIs(t, err, errDisk)
}
