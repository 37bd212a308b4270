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
  /** A repository that it can be built from as well: not every module proxy has every module. */
  readonly source?: SourceRepository
}

/** A git repository that the user has; only the pinned commit of it is ever used. */
export interface SourceRepository {
  readonly url: string
  readonly commit: string
  /** Where the Go module is in it. */
  readonly directory: string
  /** The option of `npm run tools` that takes the path of a checkout, and the environment variable that does as well. */
  readonly option: 'source' | 'zot-source'
  readonly variable: 'DISTRIBUTION_SPEC' | 'ZOT_SOURCE'
}

const SUITE = '967efdc079b91785ad18c77cc4f8991a47feefbf'
const OLD_SUITE = 'a139cc423184af6078077b9b7ee336eddbd03f8f' // the tag v1.1.1
const ZOT = '3b5796d834e8661ea661a5fcc47add8d4405aebf' // the tag v2.1.20

const distributionSpec = (commit: string): SourceRepository => ({
  url: 'https://github.com/opencontainers/distribution-spec',
  commit,
  directory: 'conformance',
  option: 'source',
  variable: 'DISTRIBUTION_SPEC',
})

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
    source: {
      url: 'https://github.com/project-zot/zot',
      commit: ZOT,
      directory: '.',
      option: 'zot-source',
      variable: 'ZOT_SOURCE',
    },
  },
  // The IPFS daemon in Go. The releases after this one stand on a fork of a library, which is not at every module proxy.
  ipfs: { go: 'github.com/ipfs/kubo/cmd/ipfs@v0.43.0' },
  // The official conformance suites: the rewritten one of 2026, and the last release of the one before.
  conformance: {
    go: 'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260716174315-967efdc079b9',
    stamps: { 'main.Version': SUITE },
    source: distributionSpec(SUITE),
  },
  'conformance-v1.1.1.test': {
    go: 'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20250123160558-a139cc423184',
    build: 'test',
    stamps: { 'github.com/opencontainers/distribution-spec/conformance.Version': OLD_SUITE },
    source: distributionSpec(OLD_SUITE),
  },
} as const satisfies Record<string, ToolSource>

export type ToolName = keyof typeof TOOLS

/** How a tool can be had, in one line. */
export function howToGet(name: ToolName): string {
  const { debian, source }: ToolSource = TOOLS[name]
  if (name === 'docker') return 'apt-get install docker.io (from Debian 13 on: docker-cli)'
  if (debian !== undefined) return `apt-get install ${debian}`
  if (source === undefined) return `npm run tools -- ${name}`
  const { option, url, commit } = source
  const short = commit.slice(0, 12)
  return `npm run tools -- ${name} --${option}=<checkout of ${url} that has ${short}>`
}
