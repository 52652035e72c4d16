package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// SchemaVersion is the version of the JSON form.
const SchemaVersion = 1

// The bounds of the JSON form. A package has about 250 bytes; real images have
// hundreds, the largest ten thousand.
const (
	// MaxSize is the size in bytes above which an inventory is not read.
	MaxSize = 32 << 20
	// MaxPackages is how many packages an inventory can have.
	MaxPackages = 100_000
)

// document is the JSON form.
type document struct {
	SchemaVersion int `json:"schema_version"`
	Inventory
}

// Write writes the JSON form, in one line.
func Write(w io.Writer, inv *Inventory) error {
	if err := json.NewEncoder(w).Encode(document{SchemaVersion, *inv}); err != nil {
		return fmt.Errorf("write the inventory: %w", err)
	}
	return nil
}

// Decode reads what Write wrote. An inventory that is too large or of another
// schema is an error; its texts may be anything.
func Decode(r io.Reader) (*Inventory, error) {
	limited := &io.LimitedReader{R: r, N: MaxSize + 1}
	dec := json.NewDecoder(limited)
	var doc document
	err := dec.Decode(&doc)
	if err == nil {
		if _, e := dec.Token(); !errors.Is(e, io.EOF) {
			err = errors.New("something follows behind its end")
		}
	}
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("the inventory is larger than %d MiB", MaxSize>>20)
	case err != nil:
		return nil, fmt.Errorf("the inventory is not a JSON document of this program: %w", err)
	case doc.SchemaVersion != SchemaVersion:
		return nil, fmt.Errorf("the inventory has schema version %d; this program reads %d", doc.SchemaVersion, SchemaVersion)
	case len(doc.Packages) > MaxPackages:
		return nil, fmt.Errorf("the inventory has %d packages; more than %d are not read", len(doc.Packages), MaxPackages)
	}
	return &doc.Inventory, nil
}
