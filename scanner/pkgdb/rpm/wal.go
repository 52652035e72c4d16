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
	walHeader  = 32        // bytes
	walFrame   = 24        // bytes before a page
	walAhead   = 128 << 10 // bytes that are read at once
)

const (
	walForeign damage = "its write-ahead log does not start as one, and was not read"
	walCut     damage = "its write-ahead log is damaged, and was read up to there"
)

// wal is what a write-ahead log has committed.
type wal struct {
	pageSize int              // bytes; 0 if nothing was committed
	count    uint32           // pages of the database
	frames   map[uint32]int64 // page, counted from 0, to its position in the log
	damage   damage           // what SQLite passes over without a word, or empty
}

// readWAL reads the log as SQLite recovers it: up to the last frame that ends a
// transaction, before the first whose salt or checksum is wrong. What follows a
// wrong salt is left from an older log; a wrong checksum is damage, after which
// SQLite forgets the rest, whatever was committed there.
func readWAL(log *io.SectionReader) (wal, error) {
	r := bufio.NewReaderSize(log, walAhead)
	head := make([]byte, walHeader)
	if n, err := io.ReadFull(r, head); err != nil {
		if n == 0 {
			return wal{}, walEnd(err)
		}
		return wal{damage: walForeign}, walEnd(err)
	}
	magic, size := binary.BigEndian.Uint32(head), int(binary.BigEndian.Uint32(head[8:]))
	sum := walSum{order: binary.LittleEndian}
	if magic == walMagic+1 {
		sum.order = binary.BigEndian
	} else if magic != walMagic {
		return wal{damage: walForeign}, nil
	}
	sum.add(head[:24])
	if !isPageSize(size) || !sum.is(head[24:]) {
		return wal{damage: walForeign}, nil
	}
	if v := binary.BigEndian.Uint32(head[4:]); v != walVersion {
		return wal{}, damage(fmt.Sprintf("version %d of its write-ahead log is not known", v))
	}
	committed := wal{frames: map[uint32]int64{}}
	frame := make([]byte, walFrame+size)
	var pending []uint32 // pages of the transaction at hand
	for at := int64(walHeader); ; at += int64(len(frame)) {
		n, err := io.ReadFull(r, frame)
		if n >= 16 && string(frame[8:16]) != string(head[16:24]) {
			return committed, nil
		}
		if err != nil {
			if n > 0 {
				committed.damage = walCut
			}
			return committed, walEnd(err)
		}
		sum.add(frame[:8])
		sum.add(frame[walFrame:])
		page := binary.BigEndian.Uint32(frame)
		if page == 0 || !sum.is(frame[16:]) {
			committed.damage = walCut
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

// problem is the damage as an error, if there is any.
func (w *wal) problem() error {
	if w.damage == "" {
		return nil
	}
	return w.damage
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
