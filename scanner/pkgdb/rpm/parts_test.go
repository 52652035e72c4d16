package rpm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// spread is a header whose values lie far apart, in any order, with gaps that
// look like the lists of files between them.
func spread(random *rand.Rand, repeat int) []byte {
	index, data := []byte{}, bytes.Repeat([]byte("/usr/lib\x00"), random.IntN(2000))
	entries := 0
	for range repeat {
		for _, i := range random.Perm(12) {
			tag := []uint32{tagName, tagVersion, tagRelease, tagEpoch, tagInstallTime, tagVendor, tagLicense, tagArch, tagSourceRPM, tagModularityLabel, 1117, 1118}[i]
			kind, value := uint32(typeString), fmt.Appendf(nil, "%s-%d\x00", bytes.Repeat([]byte("v"), random.IntN(pkgdb.MaxValue+20)), tag)
			if tag == tagEpoch || tag == tagInstallTime {
				kind, value = typeInt32, []byte{0, 0, byte(random.IntN(9)), 1}
			}
			for _, v := range []uint32{tag, kind, uint32(len(data)), 1} {
				index = binary.BigEndian.AppendUint32(index, v)
			}
			entries++
			data = append(append(data, value...), bytes.Repeat([]byte("a-file"), random.IntN(3000))...)
		}
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(entries))
	return append(append(binary.BigEndian.AppendUint32(out, uint32(len(data))), index...), data...)
}

// TestParts: a header without the pages that do not matter reads like the whole,
// also if the pages are smaller than its start, and if it is damaged.
func TestParts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var p parts
	left, all := 0, 0
	for round := range 200 {
		whole := spread(random, 1+round%2*random.IntN(15))
		if round%5 == 0 {
			whole[random.IntN(200)] ^= byte(1 + random.IntN(255))
		}
		p.reset(len(whole))
		for i := range p.blob {
			p.blob[i] = 0xEE
		}
		page := []int{3, 100, 486, 4070, 8166}[round%5]
		for at := 0; at < len(whole); at += page {
			p.add(at, whole[at:min(at+page, len(whole))])
		}
		want, wantErr := parseHeader(whole)
		got, err := parseHeader(p.blob)
		if !assert.Equal(t, wantErr, err) || !assert.Equal(t, want, got) {
			return
		}
		left, all = left+bytes.Count(p.blob, []byte("\xEE\xEE\xEE")), all+len(whole)/3
	}
	assert.Greater(t, left, all/4, "too much was put together")
}
