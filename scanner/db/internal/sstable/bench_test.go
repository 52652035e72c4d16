package sstable_test

import "testing"

func BenchmarkGet(b *testing.B) {
	records := numbered(3400)
	r, err := open(table(b, records))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 617) % len(records)
		if _, found, err := r.Get(records[i].Key); !found || err != nil {
			b.Fatal(found, err)
		}
	}
}
