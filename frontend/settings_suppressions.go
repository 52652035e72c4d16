package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/settings"
	"github.com/example/microscanner-frontend/scanner/vex"
)

// maxSuppressionsSize bounds what travels inside a build's definition, of which
// BuildKit takes 16 MiB in all.
const maxSuppressionsSize = 4 << 20

// suppressions is all that does not count, in JSON, or nil: the ignore lists
// and the VEX documents, which are read from the context.
func suppressions(ctx context.Context, files *contextFiles, s settings.Settings) ([]byte, error) {
	list, err := readVEX(ctx, files, s.VEX)
	if err != nil {
		return nil, err
	}
	list = append(list, s.Ignore...)
	if len(list) == 0 {
		return nil, nil
	}
	if err := policy.ValidateSuppressions(list); err != nil {
		return nil, fmt.Errorf("microscanner: error: %w", err)
	}
	dt, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("write the list of what does not count: %w", err)
	}
	if len(dt) > maxSuppressionsSize {
		return nil, fmt.Errorf("microscanner: error: the ignore lists and VEX documents hold more than %d MiB together; drop statements about other products", maxSuppressionsSize>>20)
	}
	return dt, nil
}

// readVEX reads VEX documents from the context. One that is not there is an
// error: somebody counts on it.
func readVEX(ctx context.Context, files *contextFiles, names []string) ([]policy.Suppression, error) {
	if len(names) == 0 {
		return nil, nil
	}
	found, err := files.read(ctx, vex.MaxSize, names...)
	if err != nil {
		return nil, contextError("a VEX document", err)
	}
	var out []policy.Suppression
	for _, name := range names {
		dt, ok := found[name]
		if !ok {
			return nil, contextError(name, errNotInContext)
		}
		list, err := vex.Read(bytes.NewReader(dt), name)
		if err != nil {
			return nil, fmt.Errorf("microscanner: error: %w", err)
		}
		out = append(out, list...)
	}
	return out, nil
}

var errNotInContext = errors.New("there is no such file; its path is relative to the root of the build context")
