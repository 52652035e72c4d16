package db

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

var (
	errShort = errors.New("cut off")
	errRange = errors.New("a number out of range")
	errExtra = errors.New("more data than rows")
)

// cursor reads an encoded value from its start. The first thing that cannot be
// read sets err, and everything read after it is zero.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.b = nil
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.fail(errShort)
		return 0
	}
	b := c.b[0]
	c.b = c.b[1:]
	return b
}

func (c *cursor) uvarint() uint64 {
	if len(c.b) > 0 && c.b[0] < 0x80 { // the usual case
		v := c.b[0]
		c.b = c.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail(errShort)
		return 0
	}
	c.b = c.b[n:]
	return v
}

// below reads a number that must be smaller than limit.
func (c *cursor) below(limit int) int {
	v := c.uvarint()
	if v >= uint64(limit) { //nolint:gosec // G115: limits are lengths.
		c.fail(errRange)
		return 0
	}
	return int(v) //nolint:gosec // G115: smaller than an int.
}

// count reads how many things follow that take so many bytes each at least.
// What cannot follow is never made room for.
func (c *cursor) count(least int) int {
	n := c.below(len(c.b) + 1)
	if n > len(c.b)/least {
		c.fail(errShort)
		return 0
	}
	return n
}

func (c *cursor) bytes(n int) []byte {
	if n > len(c.b) {
		c.fail(errShort)
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

// string reads a copy of a string.
func (c *cursor) string() string { return string(c.bytes(c.count(1))) }

// table reads a table of strings, which share one piece of memory. It is gone
// through twice: memory that turns out too small and is left behind costs more.
func (c *cursor) table() []string {
	n := c.count(2)
	if n == 0 {
		return nil
	}
	measure, size, last := *c, 0, 0
	for range n {
		shared, rest := measure.shared(last)
		last = shared + len(rest)
		if size += last; last > advisory.MaxURL || size > maxTable {
			measure.fail(fmt.Errorf("a table of more than %d bytes", maxTable))
		}
		if measure.err != nil {
			c.fail(measure.err)
			return nil
		}
	}
	var text strings.Builder
	text.Grow(size)
	table := make([]string, n)
	before := ""
	for i := range table {
		shared, rest := c.shared(len(before))
		start := text.Len()
		text.WriteString(before[:shared])
		text.Write(rest)
		before = text.String()[start:]
		table[i] = before
	}
	return table
}

// shared reads a string of a table: how many bytes of the one before it starts
// with, and the rest.
func (c *cursor) shared(last int) (shared int, rest []byte) {
	return c.below(last + 1), c.bytes(c.count(1))
}
