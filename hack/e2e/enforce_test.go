package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// organisation is a BuildKit that builds with one frontend only: that of an
// organisation, with its policy inside.
type organisation struct {
	env      *harness.Env
	frontend string
}

// enforce makes the organisation's frontend image from the project's own, and
// starts a BuildKit as docs/enforcing.md says.
func enforce(t *testing.T, policy string) organisation {
	t.Helper()
	public := start(t)
	ref := imageName(t, public, "frontend")
	dir := files(t, map[string]string{
		"Dockerfile":  "FROM " + public.FrontendRef() + "\nCOPY policy.yaml /etc/microscanner/policy.yaml\n",
		"policy.yaml": policy,
	})
	mustPush(t, public, dir, "", ref, "--provenance=false")
	repository := strings.TrimSuffix(ref, ":frontend")
	env, err := harness.Start(t.Context(), harness.Options{Config: fmt.Sprintf(`[frontend."dockerfile.v0"]
  enabled = false

[frontend."gateway.v0"]
  enabled = true
  allowedRepositories = [%q]

[registry.%q]
  http = true
`, repository, public.Registry())})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, env.Close()) })
	return organisation{env, ref}
}

// TestNoWayAroundTheOrganisationsFrontend: whatever a Dockerfile, its context
// and its build arguments say.
func TestNoWayAroundTheOrganisationsFrontend(t *testing.T) {
	public := start(t)
	upstream, err := public.BuildUpstreamFrontend(t.Context())
	require.NoError(t, err)
	org := enforce(t, "fail-on: high\nmax-db-age: 9000d\n")
	refused := merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslHigh)))
	shipped := merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslClean)))

	t.Run("the frontend itself", func(t *testing.T) {
		requireRefused(t, push(t, org.env, files(t, refused), org.frontend, imageName(t, org.env, "no")))
		requireShipped(t, push(t, org.env, files(t, shipped), org.frontend, imageName(t, org.env, "yes")))
		p := callScanWith(t, org, files(t, shipped))
		require.Equal(t, "/etc/microscanner/policy.yaml, line 1", p["fail-on"].From)
	})
	t.Run("its own syntax line", func(t *testing.T) {
		context := merge(refused, map[string]string{"Dockerfile": "# syntax=" + upstream + "\n" + copyRootfs})
		requireRefused(t, push(t, org.env, files(t, context), org.frontend, imageName(t, org.env, "no")))
		requireNotAllowed(t, org.buildctl(t, files(t, context)), upstream)
	})
	t.Run("BUILDKIT_SYNTAX", func(t *testing.T) {
		requireNotAllowed(t, push(t, org.env, files(t, refused), upstream, imageName(t, org.env, "no")), upstream)
		requireNotAllowed(t, push(t, org.env, files(t, refused), public.FrontendRef(), imageName(t, org.env, "no")), public.FrontendRef())
		requireNotAllowed(t, org.buildctl(t, files(t, refused), "--opt", "build-arg:BUILDKIT_SYNTAX="+upstream), upstream)
	})
	t.Run("no frontend named", func(t *testing.T) {
		r := push(t, org.env, files(t, refused), "", imageName(t, org.env, "no"))
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "invalid frontend: dockerfile.v0")
	})
	const locked = "the policy of this frontend (/etc/microscanner/policy.yaml"
	loosened := func(t *testing.T, context map[string]string, want string, args ...string) {
		t.Helper()
		ref := imageName(t, org.env, "no")
		r := push(t, org.env, files(t, context), org.frontend, ref, args...)
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, locked)
		require.Contains(t, r.Combined, want)
		requireNotPushed(t, ref)
	}
	t.Run("build arguments", func(t *testing.T) {
		for _, arg := range []string{"FAIL_ON=critical", "FAIL_ON=never", "FAIL_ON_NEW=low", "IGNORE_UNFIXED=true", "ON_UNSUPPORTED=warn", "MAX_DB_AGE=none",
			"DB=" + public.Ref("empty"), "FRONTEND=" + upstream, "RESCAN=on-change", "VEX=a.json"} {
			loosened(t, refused, "--build-arg MICROSCANNER_", "--build-arg", "MICROSCANNER_"+arg)
		}
	})
	t.Run("directive", func(t *testing.T) {
		context := merge(refused, map[string]string{"Dockerfile": "# scan=fail-on=never\n" + copyRootfs})
		loosened(t, context, "1 | >>> # scan=fail-on=never")
	})
	t.Run("file", func(t *testing.T) {
		loosened(t, merge(refused, map[string]string{".microscanner.yaml": "fail-on: critical\n"}), "1 | >>> fail-on: critical")
		loosened(t, merge(refused, map[string]string{".microscanner.yaml": "ignore:\n- id: CVE-2024-6119\n  reason: no\n"}), "does not allow builds to leave findings out")
	})
	t.Run("stricter", func(t *testing.T) {
		medium := merge(map[string]string{"Dockerfile": "# scan=fail-on=medium\n" + copyRootfs}, in("rootfs", alpine(opensslMedium)))
		r := push(t, org.env, files(t, medium), org.frontend, imageName(t, org.env, "no"))
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "exit code: 4")
	})
	// Not a Dockerfile's way, but one of who writes the command: BuildKit lets a
	// named context stand for any image, the frontend's own included. That
	// docs/enforcing.md warns of it is right for as long as this passes.
	t.Run("a named context in place of the frontend", func(t *testing.T) {
		r := push(t, org.env, files(t, refused), org.frontend, imageName(t, org.env, "around"),
			"--build-context", org.frontend+"=docker-image://"+upstream)
		require.Zero(t, r.ExitCode, r.Combined)
		require.NotContains(t, r.Combined, scanStep)
	})
}

func TestOrganisationAllowsIgnoreLists(t *testing.T) {
	org := enforce(t, "fail-on: high\nallow: [ignore]\n")
	context := merge(map[string]string{"Dockerfile": copyRootfs, ".microscanner.yaml": "ignore:\n- id: CVE-2024-6119\n  reason: names are not checked\n"}, in("rootfs", alpine(opensslHigh)))
	requireShipped(t, push(t, org.env, files(t, context), org.frontend, imageName(t, org.env, "yes")))
}

// TestOrganisationsPolicyIsWrong: a policy that cannot be read lets nothing pass.
func TestOrganisationsPolicyIsWrong(t *testing.T) {
	org := enforce(t, "fail-on: hihg\n")
	r := push(t, org.env, files(t, map[string]string{"Dockerfile": "FROM scratch\n"}), org.frontend, imageName(t, org.env, "no"))
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, `the setting fail-on cannot be "hihg" (/etc/microscanner/policy.yaml, line 1); allowed are critical, `)
}

func requireNotAllowed(t *testing.T, r harness.Result, frontend string) {
	t.Helper()
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "'"+frontend+"' is not an allowed gateway source")
}

// buildctl names the frontend without the option by which buildx says that a
// syntax line does not count.
func (o organisation) buildctl(t *testing.T, dir string, args ...string) harness.Result {
	t.Helper()
	return o.env.Buildctl(t.Context(), dir, nil, append([]string{"build", "--frontend", "gateway.v0", "--opt", "source=" + o.frontend,
		"--local", "context=.", "--local", "dockerfile=."}, args...)...)
}

func callScanWith(t *testing.T, o organisation, dir string) policyInForce {
	t.Helper()
	return policyOf(t, o.env, dir, nil, "--build-arg", "BUILDKIT_SYNTAX="+o.frontend, ".")
}
