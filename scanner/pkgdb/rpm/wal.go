package rpm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// SQLite's write-ahead log: https://www.sqlite.org/fileformat2.html#walformat.
const (
	walMagic   = 0x377f0682 // checksums over little-endian words; one more: big-endian
	walVersion = 3007000
	walHeader  = 32 // bytes
	walFrame   = 24 // bytes before a page
)

// wal is what a write-ahead log has committed.
type wal struct {
	pageSize int              // bytes; 0 if nothing was committed
	count    uint32           // pages of the database
	frames   map[uint32]int64 // page, counted from 0, to its position in the log
}

// readWAL reads the log as SQLite recovers it: up to the last frame that ends a
// transaction, before the first whose salt or checksum is wrong. What follows is
// left from an older log or was not finished.
func readWAL(log *io.SectionReader) (wal, error) {
	r := bufio.NewReaderSize(log, maxAhead)
	head := make([]byte, walHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return wal{}, walEnd(err)
	}
	magic, size := binary.BigEndian.Uint32(head), int(binary.BigEndian.Uint32(head[8:]))
	sum := walSum{order: binary.LittleEndian}
	if magic == walMagic+1 {
		sum.order = binary.BigEndian
	} else if magic != walMagic {
		return wal{}, nil
	}
	sum.add(head[:24])
	if !isPageSize(size) || !sum.is(head[24:]) {
		return wal{}, nil
	}
	if v := binary.BigEndian.Uint32(head[4:]); v != walVersion {
		return wal{}, damage(fmt.Sprintf("version %d of its write-ahead log is not known", v))
	}
	committed := wal{frames: map[uint32]int64{}}
	frame := make([]byte, walFrame+size)
	var pending []uint32 // pages of the transaction at hand
	for at := int64(walHeader); ; at += int64(len(frame)) {
		if _, err := io.ReadFull(r, frame); err != nil {
			return committed, walEnd(err)
		}
		sum.add(frame[:8])
		sum.add(frame[walFrame:])
		page := binary.BigEndian.Uint32(frame)
		if page == 0 || string(frame[8:16]) != string(head[16:24]) || !sum.is(frame[16:]) {
			return committed, nil
		}
		pending = append(pending, page-1)
		if count := binary.BigEndian.Uint32(frame[4:]); count != 0 {
			committed.commit(pending, at+int64(len(frame)), size)
			committed.count = count
			pending = pending[:0]
		}
	}
}

// commit takes a transaction whose last frame ends at a position.
func (w *wal) commit(pages []uint32, end int64, size int) {
	w.pageSize = size
	for i, page := range pages {
		w.frames[page] = end - int64(len(pages)-i)*int64(walFrame+size) + walFrame
	}
}

// walEnd is the error with which the reading of the log ended, if it is one.
func walEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// walSum is the running checksum of a log.
type walSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

// add takes bytes, a multiple of eight.
func (s *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.s0 += s.order.Uint32(b) + s.s1
		s.s1 += s.order.Uint32(b[4:]) + s.s0
	}
}

// is reports whether the checksum is the one stored.
func (s *walSum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == s.s0 && binary.BigEndian.Uint32(stored[4:]) == s.s1
}
