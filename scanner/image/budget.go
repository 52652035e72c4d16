package image

import (
	"fmt"
	"sync/atomic"
)

// Limits of what one image may cost. They are far above those of any image that
// is of use.
const (
	maxMemory   = 512 << 20 // bytes of what is kept of all layers
	maxUnpacked = 64 << 30  // bytes of all layers without compression
	maxEntries  = 10_000_000
	maxName     = 4096 // bytes, PATH_MAX of Linux
	maxFolders  = 256  // that a file is in
	maxLayers   = 1000
	nodeCost    = 512 // bytes of a node, roughly
)

// budget is what is left of the limits. It is safe for concurrent use.
type budget struct {
	memory, unpacked, entries atomic.Int64
	ids                       atomic.Uint64
}

func (b *budget) keep(n int) error {
	if b.memory.Add(int64(n)) > maxMemory {
		return fmt.Errorf("the package databases and links of the image are larger than the limit of %d MiB", maxMemory>>20)
	}
	return nil
}

func (b *budget) unpack(n int) error {
	if b.unpacked.Add(int64(n)) > maxUnpacked {
		return fmt.Errorf("the layers unpack to more than the limit of %d GiB", maxUnpacked>>30)
	}
	return nil
}

func (b *budget) entry() error {
	if b.entries.Add(1) > maxEntries {
		return fmt.Errorf("the layers have more than the limit of %d files", maxEntries)
	}
	return nil
}
