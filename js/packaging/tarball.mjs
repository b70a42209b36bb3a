// Owns the tarball: packs the package as npm would publish it, judges it, and installs it
// into the project that every consumer builds.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** Ways to resolve types that a package of ES modules alone takes part in. */
const RESOLUTIONS = ['node16-esm', 'bundler'];

/** Packs `folder` into `project`, and gives the path. */
export function pack(folder, project) {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  const said = execFileSync(npm, ['pack', '--json', '--pack-destination', project, ...QUIET], { cwd: folder });
  const packed = JSON.parse(said);
  const [{ filename }] = Array.isArray(packed) ? packed : Object.values(packed);
  return join(project, filename);
}

/** Installs it as its only dependency, beside copies of folders under the names they get. */
export function install(tarball, project, folders) {
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  execFileSync(npm, ['install', '--offline', '--no-package-lock', ...QUIET, tarball], { cwd: project });
  for (const [name, folder] of Object.entries(folders)) cpSync(folder, join(project, name), { recursive: true });
}

/** What publint and are-the-types-wrong find wrong with it, as sentences. */
export async function judge(tarball) {
  const file = readFileSync(tarball);
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
  const sentences = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
  if (analysis.types === false) sentences.push('are-the-types-wrong: the package has no types');
  for (const problem of analysis.problems ?? []) {
    if (problem.resolutionKind !== undefined && !RESOLUTIONS.includes(problem.resolutionKind)) continue;
    sentences.push(`are-the-types-wrong: ${JSON.stringify(problem)}`);
  }
  return sentences;
}
