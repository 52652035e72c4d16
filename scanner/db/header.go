package db

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/db/internal/sstable"
)

// The header of a file is the value of the empty key, which nothing else has:
// the magic of what the file holds, the schema version, and a list of words
// that its values name by their index.
const (
	headerKey         = ""
	rowsMagic         = "microscanner rows"
	detailsMagic      = "microscanner details"
	repositoriesMagic = "microscanner repositories"
)

func encodeHeader(magic string, words []string) []byte {
	return appendTable(binary.AppendUvarint([]byte(magic), SchemaVersion), words)
}

// readHeader gives the words.
func readHeader(file *sstable.Reader, magic string) ([]string, error) {
	header, found, err := file.Get(headerKey)
	if err != nil {
		return nil, err
	}
	c := cursor{b: header}
	if !found || string(c.bytes(len(magic))) != magic {
		return nil, errors.New("it does not hold " + magic)
	}
	if v := c.uvarint(); v != SchemaVersion && c.err == nil {
		return nil, fmt.Errorf("its schema version is %d", v)
	}
	words := c.table()
	return words, c.err
}
