package rpm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// maxHeader is the number of bytes of the largest header that is read. rpm takes
// 256 MiB; those of packages with a hundred thousand files have 20 MB.
const maxHeader = 32 << 20

const tooLong = "it is longer than 32 MiB"

// A header is an index of tags and their data, all numbers big-endian: rpm's
// docs/manual/hregions.md and lib/header.c.
const (
	headerStart = 8  // bytes: numbers of index entries and of bytes of data
	headerEntry = 16 // bytes: tag, type, offset, count
)

// Tags, and the types of their values (rpm's lib/rpmtag.h).
const (
	tagName            = 1000
	tagVersion         = 1001
	tagRelease         = 1002
	tagEpoch           = 1003
	tagInstallTime     = 1008
	tagVendor          = 1011
	tagLicense         = 1014
	tagArch            = 1022
	tagSourceRPM       = 1044
	tagModularityLabel = 5096

	typeInt32      = 4
	typeString     = 6
	typeI18NString = 9
)

// header is what matters of a package's header. A tag that is missing is empty,
// and a missing epoch is 0. The texts are parts of what was read.
type header struct {
	name, version, release, arch       []byte
	sourceRPM, license, vendor, module []byte
	epoch, installTime                 uint32
	flaw                               damage // of a value that no rule needs, which is left out
}

// parseHeader reads a header as the databases store it, without the magic number
// that it has in a package file. A tag that is there twice counts as it is last:
// rpm appends what it changes.
func parseHeader(blob []byte) (header, error) {
	var h header
	if len(blob) < headerStart {
		return h, damage("its header is cut off")
	}
	entries, size := binary.BigEndian.Uint32(blob), binary.BigEndian.Uint32(blob[4:])
	if int64(entries)*headerEntry+int64(size) != int64(len(blob)-headerStart) {
		return h, damage("its header is not as long as it states")
	}
	index := blob[headerStart : headerStart+int(entries)*headerEntry]
	data := blob[headerStart+len(index):]
	for ; len(index) > 0; index = index[headerEntry:] {
		tag := binary.BigEndian.Uint32(index)
		text, number := h.text(tag), h.number(tag)
		if text == nil && number == nil {
			continue
		}
		kind, offset := binary.BigEndian.Uint32(index[4:]), binary.BigEndian.Uint32(index[8:])
		if int64(offset) > int64(len(data)) {
			return h, damage(fmt.Sprintf("tag %d is not inside the header", tag))
		}
		ok := false
		if text != nil {
			*text, ok = textValue(kind, data[offset:])
			if !ok && tag == tagLicense {
				h.flaw, ok = wrongValue(tag), true
			}
		} else {
			*number, ok = numberValue(kind, data[offset:])
		}
		if !ok {
			return h, wrongValue(tag)
		}
	}
	return h, nil
}

func wrongValue(tag uint32) damage {
	return damage(fmt.Sprintf("the value of tag %d is not of its type, or longer than %d bytes", tag, pkgdb.MaxValue))
}

// text is where the value of a tag with text goes.
func (h *header) text(tag uint32) *[]byte {
	switch tag {
	case tagName:
		return &h.name
	case tagVersion:
		return &h.version
	case tagRelease:
		return &h.release
	case tagVendor:
		return &h.vendor
	case tagLicense:
		return &h.license
	case tagArch:
		return &h.arch
	case tagSourceRPM:
		return &h.sourceRPM
	case tagModularityLabel:
		return &h.module
	}
	return nil
}

// number is where the value of a tag with a number goes.
func (h *header) number(tag uint32) *uint32 {
	switch tag {
	case tagEpoch:
		return &h.epoch
	case tagInstallTime:
		return &h.installTime
	}
	return nil
}

// textValue is a text, and the first of one in several languages.
func textValue(kind uint32, data []byte) ([]byte, bool) {
	data = data[:min(len(data), pkgdb.MaxValue+1)]
	end := bytes.IndexByte(data, 0)
	if end < 0 || kind != typeString && kind != typeI18NString {
		return nil, false
	}
	return data[:end], true
}

func numberValue(kind uint32, data []byte) (uint32, bool) {
	if kind != typeInt32 || len(data) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(data), true
}

// inventoryPackage is the package of a header. Without a name and a version it
// is empty; a package beside an error is whole but for what the error says.
func (h *header) inventoryPackage(values interner) (inventory.Package, error) {
	switch {
	case len(h.name) == 0:
		return inventory.Package{}, damage("it has no name")
	case !isWord(h.name) || !isWord(h.arch):
		return inventory.Package{}, damage(fmt.Sprintf("%.64q for %.64q is not a name and an architecture", h.name, h.arch))
	case len(h.version) == 0 || len(h.release) == 0:
		return inventory.Package{}, damage(fmt.Sprintf("%.64s has no version or no release", h.name))
	case !isWord(h.version) || !isWord(h.release):
		return inventory.Package{}, damage(fmt.Sprintf("%.64q is not a version of %.64s, or %.64q not a release", h.version, h.name, h.release))
	}
	name, evr := string(h.name), string(h.version)+"-"+string(h.release)
	p := inventory.Package{
		Format: inventory.FormatRpm, Name: name, Version: evr, Arch: values.text(h.arch),
		SourceName: name, SourceVersion: evr,
		License: values.text(given(h.license)), Vendor: values.text(given(h.vendor)), Module: values.text(given(h.module)),
		InstallTime: int64(h.installTime),
	}
	if h.epoch != 0 {
		p.Version = fmt.Sprintf("%d:%s", h.epoch, evr)
	}
	if len(given(h.sourceRPM)) == 0 {
		return p, h.flawOf()
	}
	name, version, ok := splitSourceRPM(values.text(h.sourceRPM))
	if !ok {
		return p, damage(fmt.Sprintf("the source of %.64s, %.64q, is not the name of a source package", h.name, h.sourceRPM))
	}
	p.SourceName, p.SourceVersion = name, version
	return p, h.flawOf()
}

// flawOf says for which package a value was left out.
func (h *header) flawOf() error {
	if h.flaw == "" {
		return nil
	}
	return damage(fmt.Sprintf("%.64s: %s", h.name, h.flaw))
}

// splitSourceRPM splits the file name of a source package: name, version and
// release, "src" or, without some of the sources, "nosrc". The name may hold
// dashes. There is never an epoch.
func splitSourceRPM(file string) (name, version string, ok bool) {
	stem, ok := strings.CutSuffix(file, ".rpm")
	if !ok {
		return "", "", false
	}
	stem, ok = strings.CutSuffix(stem, ".src")
	if !ok {
		if stem, ok = strings.CutSuffix(stem, ".nosrc"); !ok {
			return "", "", false
		}
	}
	release := strings.LastIndexByte(stem, '-')
	if release < 0 {
		return "", "", false
	}
	dash := strings.LastIndexByte(stem[:release], '-')
	if dash <= 0 || dash+1 == release || release+1 == len(stem) || !isWord([]byte(stem)) {
		return "", "", false
	}
	return stem[:dash], stem[dash+1:], true
}

// given is a value, or empty for what rpm prints in place of none: some builders
// stored that.
func given(value []byte) []byte {
	if string(value) == "(none)" {
		return nil
	}
	return value
}

// isWord reports whether a text has neither spaces nor control characters.
func isWord(s []byte) bool {
	for _, b := range s {
		if b <= ' ' || b == 0x7f {
			return false
		}
	}
	return true
}

// maxInterned bounds what is remembered of a database whose packages have
// nothing in common.
const maxInterned = 4000

// interner keeps one copy of values that many packages have in common: vendors,
// architectures, sources.
type interner map[string]string

func (in interner) text(value []byte) string {
	if s, ok := in[string(value)]; ok {
		return s
	}
	s := string(value)
	if len(in) < maxInterned {
		in[s] = s
	}
	return s
}
