package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// What images are made of: all have most packages of a base image, and some of
// their own.
const (
	sources       = 4000 // source packages of the distribution
	advisoriesOf  = 25   // of each source
	findingsEvery = 10   // one source in so many has one that is not fixed
	ownShare      = 4    // one package in so many is an image's own
)

// writeDatabase makes an advisory database.
func writeDatabase(ctx context.Context, dir string) error {
	records := make([]advisory.Record, 0, sources*advisoriesOf)
	for i := range sources {
		for n := range advisoriesOf {
			r := servicetest.Record(fmt.Sprintf("CVE-2024-%d", 100_000+advisoriesOf*i+n), i)
			r.Description = "A flaw was found in the part that reads what others sent. Who sends a text that is made for it can have the program read beyond the end of a buffer, and so learn what it holds, or end it."
			if i%findingsEvery != 0 || n > 0 {
				r.Fixed = fmt.Sprintf("0.%d-1", n)
			}
			records = append(records, r)
		}
	}
	_, err := servicetest.WriteDatabase(ctx, dir, records...)
	return err
}

// requests makes the bodies of scans of different images, always the same.
func requests(images, packages int) ([][]byte, error) {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	all := servicetest.Request("", sources).Inventory.Packages
	bodies := make([][]byte, 0, images)
	for i := range images {
		req := servicetest.Request(fmt.Sprintf("registry.example.com/team/app-%d:1.0", i), packages)
		list := req.Inventory.Packages
		for n := packages - packages/ownShare; n < packages; n++ {
			list[n] = all[packages+random.IntN(sources-packages)]
		}
		body, err := json.Marshal(req)
		if err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}
