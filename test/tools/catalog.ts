/**
 * The foreign programs that the heavier suites use, each with where it comes from: a Debian package, or a Go program at
 * an exact version. Nothing of them is in this repository; `npm run tools` brings what is missing into a directory of
 * its own (see `find.ts`).
 */
export interface ToolSource {
  /** The Debian package that has it. */
  readonly debian?: string
  /** What `go install` builds. */
  readonly go?: `${string}@v${string}`
  /** `test`: the program is the package's tests, as `go test -c` builds them. */
  readonly build?: 'program' | 'test'
  /** Variables of the program that the linker sets, as its makers do it. */
  readonly stamps?: Readonly<Record<string, string>>
  /** What its makers build it with. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Where its makers have it, when no module proxy we know does: then we never build it, and use it only where somebody
   * has put it.
   */
  readonly elsewhere?: string
}

const SUITE = '97274622c111' // of 31 August 2026; a version of a Go module tells no more of the commit
const SUITE_OF_2023 = 'f2182352d4cc9de080d6760dd882b4101ba90b47' // 1 November, before v1.1.0-rc4
const SUITE_V1_1_1 = 'a139cc423184af6078077b9b7ee336eddbd03f8f'
const ZOT = '3b5796d834e8661ea661a5fcc47add8d4405aebf' // the tag v2.1.20

export const TOOLS = {
  // Engines and clients of Debian.
  dockerd: { debian: 'docker.io' },
  docker: { debian: 'docker.io' },
  containerd: { debian: 'containerd' },
  ctr: { debian: 'containerd' },
  podman: { debian: 'podman' },
  buildah: { debian: 'buildah' },
  skopeo: { debian: 'skopeo' },
  // Clients in Go.
  crane: { go: 'github.com/google/go-containerregistry/cmd/crane@v0.22.1' },
  regctl: { go: 'github.com/regclient/regclient/cmd/regctl@v0.11.7' },
  oras: { go: 'oras.land/oras/cmd/oras@v1.3.2' },
  helm: { go: 'helm.sh/helm/v4/cmd/helm@v4.3.1' },
  cosign: { go: 'github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3' },
  // Peers to compare with: CNCF Distribution, newest and Debian's, and zot without extensions.
  registry: { go: 'github.com/distribution/distribution/v3/cmd/registry@v3.1.2' },
  'docker-registry': { debian: 'docker-registry' },
  'zot-minimal': {
    go: 'zotregistry.dev/zot/v2/cmd/zot@v2.1.20',
    stamps: {
      'zotregistry.dev/zot/v2/pkg/buildinfo.ReleaseTag': 'v2.1.20',
      'zotregistry.dev/zot/v2/pkg/buildinfo.Commit': ZOT,
      'zotregistry.dev/zot/v2/pkg/buildinfo.BinaryType': 'minimal',
    },
    env: { CGO_ENABLED: '0', GOEXPERIMENT: 'jsonv2' },
    elsewhere: 'https://github.com/project-zot/zot/releases/tag/v2.1.20',
  },
  // zot's load generator.
  zb: {
    go: 'zotregistry.dev/zot/v2/cmd/zb@v2.1.20',
    stamps: { 'zotregistry.dev/zot/v2/pkg/buildinfo.Commit': ZOT },
    env: { CGO_ENABLED: '0', GOEXPERIMENT: 'jsonv2' },
    elsewhere: 'https://github.com/project-zot/zot/releases/tag/v2.1.20',
  },
  // The IPFS daemon in Go. The releases after this one stand on a fork of a library, which is not at every module proxy.
  ipfs: { go: 'github.com/ipfs/kubo/cmd/ipfs@v0.43.0' },
  // The official conformance suites: the rewritten one of 2026, the newest of the one before that a proxy has, and its
  // last release.
  conformance: {
    go: 'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111',
    stamps: { 'main.Version': SUITE },
  },
  'conformance-2023.test': {
    go: 'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20231101194043-f2182352d4cc',
    build: 'test',
    stamps: { 'github.com/opencontainers/distribution-spec/conformance.Version': SUITE_OF_2023 },
  },
  'conformance-v1.1.1.test': {
    go: 'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20250123160558-a139cc423184',
    build: 'test',
    stamps: { 'github.com/opencontainers/distribution-spec/conformance.Version': SUITE_V1_1_1 },
    elsewhere: 'https://github.com/opencontainers/distribution-spec/tree/v1.1.1/conformance',
  },
} as const satisfies Record<string, ToolSource>

export type ToolName = keyof typeof TOOLS

/** How a tool can be had, in one line. */
export function howToGet(name: ToolName): string {
  const { debian, elsewhere }: ToolSource = TOOLS[name]
  if (name === 'docker') return 'apt-get install docker.io (from Debian 13 on: docker-cli)'
  if (debian !== undefined) return `apt-get install ${debian}`
  if (elsewhere === undefined) return `npm run tools -- ${name}`
  return `not to be had by name; from its makers, as ${name} in the tool directory or the PATH: ${elsewhere}`
}
