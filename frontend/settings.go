package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/example/microscanner-frontend/scanner/settings"
)

// policyPath is the policy that an organisation bakes into its own frontend
// image: this program's own file system, which no build reaches.
const policyPath = "/etc/microscanner/policy.yaml"

// readLock reads the policy file. Only a file that is not there is no policy.
func readLock(path string) (settings.Lock, error) {
	f, err := os.Open(path) //nolint:gosec // policyPath, and tests
	if errors.Is(err, fs.ErrNotExist) {
		return settings.Lock{}, nil
	}
	if err != nil {
		return settings.Lock{}, fmt.Errorf("read the policy of this frontend: %w", err)
	}
	defer f.Close()
	dt, err := io.ReadAll(io.LimitReader(f, settings.MaxFileSize+1))
	if err != nil {
		return settings.Lock{}, fmt.Errorf("read the policy of this frontend: %w", err)
	}
	return settings.ParseLock(path, dt)
}

// source is a file of the user's that settings stand in.
type source struct {
	name     string
	language string
	data     []byte
	def      *llb.Definition // may be nil
}

// settingsError is an error of the settings for the user. If its place is in
// one of the sources, the build shows the lines around it.
func settingsError(err error, sources ...source) error {
	out := errors.New("microscanner: error: " + err.Error())
	var bad *settings.Error
	if !errors.As(err, &bad) || bad.Place.Line == 0 {
		return out
	}
	for _, s := range sources {
		if s.name == bad.Place.File {
			return errdefs.WithSource(out, s.frame(bad.Place.Line))
		}
	}
	return out
}

// frame points at one line.
func (s source) frame(line int) *errdefs.Source {
	at := &pb.Position{Line: int32(line)} //nolint:gosec // a line of a file of at most 16 MiB
	src := &errdefs.Source{
		Info:   &pb.SourceInfo{Filename: s.name, Language: s.language, Data: s.data},
		Ranges: []*pb.Range{{Start: at, End: at}},
	}
	if s.def != nil {
		src.Info.Definition = s.def.ToPB()
	}
	return src
}

// readDirective reads the Dockerfile and the directive in it. Errors of the
// reading are BuildKit's own, as the Dockerfile frontend would return them.
func readDirective(ctx context.Context, ui *dockerui.Client) (settings.Layer, source, error) {
	dockerfile, err := ui.ReadEntrypoint(ctx, "Dockerfile")
	if err != nil {
		return settings.Layer{}, source{}, err
	}
	src := source{name: dockerfile.Filename, language: dockerfile.Language, data: dockerfile.Data, def: dockerfile.Definition}
	text, line, err := scanDirective(src.data)
	if err != nil {
		return settings.Layer{}, src, errdefs.WithSource(err, src.frame(line))
	}
	if line == 0 {
		return settings.Layer{}, src, nil
	}
	layer, err := settings.ParseDirective(text, src.name, line)
	if err != nil {
		return settings.Layer{}, src, settingsError(err, src)
	}
	return layer, src, nil
}

// directive is a parser directive as BuildKit defines it, which skips all spaces
// of Unicode's before the name.
var directive = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^#[\s\v\x{85}\p{Z}]*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.*?)\s*$`)
})

const directiveName = "scan"

// scanDirective finds the directive # scan= among the parser directives at the
// top of a Dockerfile; the line is 0 if there is none. BuildKit's parser, which
// says where they end, takes a directive that it does not know for the first
// comment: so ours is the last one, and one of BuildKit's below it, which would
// silently have no effect, is an error.
func scanDirective(dockerfile []byte) (text string, line int, err error) {
	rest := bytes.TrimPrefix(dockerfile, []byte("\xef\xbb\xbf"))
	var directives parser.DirectiveParser
	for n := 1; len(rest) > 0; n++ {
		var raw []byte
		raw, rest, _ = bytes.Cut(rest, []byte("\n"))
		raw = bytes.TrimSuffix(raw, []byte("\r"))
		if n == 1 && bytes.HasPrefix(raw, []byte("#!")) {
			continue // as where BuildKit looks for # syntax=
		}
		if line == 0 {
			known, err := directives.ParseLine(raw)
			if err != nil {
				return "", 0, nil //nolint:nilerr // the Dockerfile frontend will say what is wrong
			}
			if known != nil {
				continue
			}
		}
		match := directive().FindSubmatch(raw)
		switch {
		case match == nil:
			return text, line, nil
		case line != 0 && belongsAbove(string(match[1])):
			return "", n, fmt.Errorf("microscanner: error: the directive # %s= in line %d has no effect below # %s=: there can be one of each, and # %s= is the last one",
				match[1], n, directiveName, directiveName)
		case line == 0 && strings.EqualFold(string(match[1]), directiveName):
			text, line = string(match[2]), n
		default:
			return text, line, nil
		}
	}
	return text, line, nil
}

// belongsAbove reports whether a directive may not follow # scan=.
func belongsAbove(name string) bool {
	switch strings.ToLower(name) {
	case "syntax", "escape", "check", directiveName:
		return true
	}
	return false
}
