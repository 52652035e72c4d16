package db

import (
	"encoding/binary"
	"errors"
	"fmt"

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
	if v >= uint64(limit) {
		c.fail(errRange)
		return 0
	}
	return int(v)
}

// count reads how many things follow that take min bytes each at least. What
// cannot follow is never made room for.
func (c *cursor) count(min int) int {
	n := c.uvarint()
	if n > uint64(len(c.b)/min) {
		c.fail(errShort)
		return 0
	}
	return int(n)
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

// table reads a table of strings, which share one piece of memory.
func (c *cursor) table() []string {
	n := c.count(2)
	if n == 0 {
		return nil
	}
	var text []byte
	ends := make([]int, n)
	start := 0 // of the string before
	for i := range ends {
		shared := c.uvarint()
		rest := c.bytes(c.count(1))
		if shared > uint64(len(text)-start) {
			c.fail(errRange)
		}
		if int(shared)+len(rest) > advisory.MaxURL || len(text) > maxTable {
			c.fail(fmt.Errorf("a table of more than %d bytes", maxTable))
		}
		if c.err != nil {
			return nil
		}
		next := len(text)
		text = append(text, text[start:start+int(shared)]...)
		text = append(text, rest...)
		start, ends[i] = next, len(text)
	}
	all := string(text)
	table := make([]string, n)
	start = 0
	for i, end := range ends {
		table[i], start = all[start:end], end
	}
	return table
}
