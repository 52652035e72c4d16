package api_test

import (
	"encoding/json"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/servicetest"
)

func BenchmarkZ(b *testing.B) {
	body, _ := json.Marshal(servicetest.Request(image, 400))
	b.Run("v1", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var r remote.ScanRequest
			if err := json.Unmarshal(body, &r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("v2", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var r remote.ScanRequest
			if err := jsonv2.Unmarshal(body, &r, jsontext.AllowDuplicateNames(true)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("v2strict", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var r remote.ScanRequest
			if err := jsonv2.Unmarshal(body, &r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
