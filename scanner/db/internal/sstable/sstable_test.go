package sstable_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/db/internal/sstable"
)

func table(t testing.TB, records []sstable.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w := sstable.NewWriter(&out)
	for _, r := range records {
		require.NoError(t, w.Put(r.Key, r.Value))
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func open(data []byte) (*sstable.Reader, error) {
	return sstable.NewReader(bytes.NewReader(data), int64(len(data)))
}

// numbered makes n records; some values are empty, some larger than a block.
func numbered(n int) []sstable.Record {
	records := []sstable.Record{{Key: "", Value: []byte("empty key")}}
	for i := range n {
		value := strings.Repeat(fmt.Sprint(i), i%7)
		if i%50 == 9 {
			value = strings.Repeat("x", 5000+i)
		}
		records = append(records, sstable.Record{Key: fmt.Sprintf("key-%06d", 2*i), Value: []byte(value)})
	}
	return records
}

func TestGet(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 1000} {
		records := numbered(n)
		r, err := open(table(t, records))
		require.NoError(t, err)
		for _, want := range records {
			value, found, err := r.Get(want.Key)
			require.NoError(t, err)
			assert.True(t, found)
			assert.Equal(t, string(want.Value), string(value))
		}
		for _, key := range []string{"a", "key-", "key-000001", "key-000033", "key-9", "zzz"} {
			_, found, err := r.Get(key)
			require.NoError(t, err)
			assert.False(t, found, key)
		}
	}
}

func TestAll(t *testing.T) {
	records := numbered(100)
	r, err := open(table(t, records))
	require.NoError(t, err)
	i := 0
	for got, err := range r.All() {
		require.NoError(t, err)
		assert.Equal(t, records[i].Key, got.Key)
		assert.Equal(t, string(records[i].Value), string(got.Value))
		i++
	}
	assert.Equal(t, len(records), i)
	for got, err := range r.All() {
		require.NoError(t, err)
		assert.Empty(t, got.Key)
		break
	}
}

func TestEmptyTable(t *testing.T) {
	r, err := open(table(t, nil))
	require.NoError(t, err)
	_, found, err := r.Get("")
	require.NoError(t, err)
	assert.False(t, found)
}

func TestWriterRefuses(t *testing.T) {
	for name, keys := range map[string][]string{
		"unsorted": {"b", "a"},
		"twice":    {"a", "a"},
		"long":     {strings.Repeat("k", sstable.MaxKey+1)},
	} {
		w := sstable.NewWriter(&bytes.Buffer{})
		var err error
		for _, k := range keys {
			err = w.Put(k, nil)
		}
		assert.Error(t, err, name)
		assert.Error(t, w.Close(), name)
	}
	broken := errors.New("disk full")
	w := sstable.NewWriter(errWriter{broken})
	require.NoError(t, w.Put("a", nil))
	assert.ErrorIs(t, w.Close(), broken)
}

type errWriter struct{ err error }

func (e errWriter) Write([]byte) (int, error) { return 0, e.err }

// readAll reads a whole table.
func readAll(data []byte) error {
	r, err := open(data)
	if err != nil {
		return err
	}
	for _, err := range r.All() {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	data := table(t, numbered(40))
	require.NoError(t, readAll(data))
	for i := range data {
		for _, bit := range []byte{1, 0x80} {
			data[i] ^= bit
			assert.ErrorIs(t, readAll(data), sstable.ErrFormat, "byte %d", i)
			data[i] ^= bit
		}
	}
}

func TestEveryTruncationIsFound(t *testing.T) {
	data := table(t, numbered(40))
	for n := range data {
		assert.ErrorIs(t, readAll(data[:n]), sstable.ErrFormat, "%d bytes", n)
	}
}

// countingReader counts what is read of a file.
type countingReader struct {
	file  io.ReaderAt
	calls int
	bytes int
	err   error // of every call, unless nil
}

func (c *countingReader) ReadAt(p []byte, offset int64) (int, error) {
	c.calls++
	c.bytes += len(p)
	if c.err != nil {
		return 0, c.err
	}
	return c.file.ReadAt(p, offset)
}

func TestReadsTheBlockItNeedsOnce(t *testing.T) {
	data := table(t, numbered(1000))
	file := &countingReader{file: bytes.NewReader(data)}
	r, err := sstable.NewReader(file, int64(len(data)))
	require.NoError(t, err)
	assert.Equal(t, 2, file.calls, "footer and index")
	for _, key := range []string{"key-000020", "key-000022", "key-000020", "key-000021"} {
		_, _, err := r.Get(key)
		require.NoError(t, err)
	}
	assert.Equal(t, 4, file.calls, "the index of one part, and one block")
}

// A large table is not read when it is opened, and a look-up reads what it
// needs of the index.
func TestOpensALargeTableCheaply(t *testing.T) {
	data := table(t, numbered(50_000))
	file := &countingReader{file: bytes.NewReader(data)}
	r, err := sstable.NewReader(file, int64(len(data)))
	require.NoError(t, err)
	for _, i := range []int{0, 2, 10_000, 50_000, 99_998} {
		key := fmt.Sprintf("key-%06d", i)
		_, found, err := r.Get(key)
		require.NoError(t, err)
		assert.True(t, found, key)
	}
	assert.Less(t, file.bytes, len(data)/10)
	var keys []string
	for record, err := range r.All() {
		require.NoError(t, err)
		keys = append(keys, record.Key)
	}
	assert.True(t, slices.IsSorted(keys))
	assert.Len(t, keys, len(numbered(50_000)))
}

func TestDamageOfALargeTableIsFound(t *testing.T) {
	data := table(t, numbered(20_000))
	for i := 0; i < len(data); i += len(data) / 50 {
		data[i] ^= 4
		assert.ErrorIs(t, readAll(data), sstable.ErrFormat, "byte %d", i)
		data[i] ^= 4
	}
	require.NoError(t, readAll(data))
}

func TestReadErrorIsNoDamage(t *testing.T) {
	data := table(t, numbered(40))
	file := &countingReader{file: bytes.NewReader(data)}
	r, err := sstable.NewReader(file, int64(len(data)))
	require.NoError(t, err)
	for range 2 { // a block that could not be read is not taken for one that was
		file.err = errors.New("input/output error")
		_, found, err := r.Get("key-000002")
		assert.False(t, found)
		require.ErrorIs(t, err, file.err)
		assert.NotErrorIs(t, err, sstable.ErrFormat)
	}
	file.err = nil
	_, found, err := r.Get("key-000002")
	require.NoError(t, err)
	assert.True(t, found)
}
