import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { CliError, EXIT, Interrupted, type Io } from './io.js';
import type { StateOptions } from './state.js';
import type { TokenCreateOptions } from './token-create.js';
import type { UserCreateOptions } from './user-create.js';
import { version } from './version.js';

const CONFIG_OPTION = [
  '-c, --config <file>',
  'configuration (YAML or JSON); without it, environment variables and defaults',
] as const;

/** Makes a verb's action of where its code is; it gets the options as commander has them. */
type Verb = <Options>(
  load: () => Promise<(options: Options, io: Io) => Promise<number>>,
) => (options: Options) => Promise<void>;

/**
 * The command line: finds the verb and runs it. Each verb's code is loaded only when it is asked for.
 *
 * `args` are those after the program's name. Answers the exit code; faults of ours are thrown.
 */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.ok;
  const verb: Verb = (load) => async (options) => {
    const run = await load();
    exitCode = await run(options, io);
  };

  const program = new Command('engram')
    .description('A Matrix homeserver whose history is the source of truth.')
    .version(version(), '-V, --version', 'the version of this program')
    .helpOption('-h, --help', 'this text; `engram VERB --help` for that of a verb')
    .helpCommand(false)
    .showHelpAfterError('See --help.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 it failed or the check found something, 2 wrong usage or configuration.',
    );

  declareVerbs(program, verb);

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return exitCodeOf(error, io);
  }
}

function declareVerbs(program: Command, verb: Verb): void {
  program
    .command('serve')
    .description('Run the server until SIGINT or SIGTERM; a second one ends it at once.')
    .option(...CONFIG_OPTION)
    .option(
      '--roles <roles>',
      'where several processes share a log and read models: what this one does, of http,commands,projections',
      (text: string) => text.split(','),
    )
    .addHelpText(
      'after',
      example('engram serve --config engram.yaml', 'ENGRAM_SERVER_NAME=example.org engram serve'),
    )
    .action(verb(async () => (await import('./serve.js')).serve));

  program
    .command('config')
    .description('Look at the configuration.')
    .command('check')
    .description(
      'Tell everything that is wrong with the configuration, or what it comes to (secrets hidden).',
    )
    .option(...CONFIG_OPTION)
    .option('--json', 'as JSON')
    .addHelpText('after', example('engram config check --config engram.yaml'))
    .action(verb(async () => (await import('./config-check.js')).configCheck));

  declareReadingVerbs(program, verb);
  declareOperatingVerbs(program, verb);
}

/** Verbs that change something: through the server where one runs, else by themselves. */
function declareOperatingVerbs(program: Command, verb: Verb): void {
  program
    .command('rebuild')
    .description('Build all read models from the log, in a running server beside those that serve.')
    .option(...CONFIG_OPTION)
    .option('--check', 'compare with those that served, which stay; the server has to be stopped')
    .addHelpText(
      'after',
      `\nWith --check, exits with 1 where any byte differs.${example('engram rebuild --check')}`,
    )
    .action(verb(async () => (await import('./rebuild.js')).rebuild));

  const user = verb<UserCreateOptions>(async () => (await import('./user-create.js')).userCreate);
  program
    .command('user')
    .description('Accounts.')
    .command('create')
    .description('Make an account; asks for its password.')
    .argument('<name>', 'the user name')
    .option(...CONFIG_OPTION)
    .option('--admin', 'an administrator')
    .option('--password-stdin', "take the password from the standard input's first line")
    .addHelpText('after', example('engram user create alice'))
    .action((name: string, options: Omit<UserCreateOptions, 'name'>) => user({ ...options, name }));

  const token = verb<TokenCreateOptions>(async () => (await import('./token-create.js')).tokenCreate);
  program
    .command('token')
    .description('Registration tokens.')
    .command('create')
    .description('Make a token by which people can register, and print it.')
    .argument('[token]', 'what it is to be; made up where it is not given')
    .option(...CONFIG_OPTION)
    .option('--uses <count>', 'how many accounts can be made with it; without, any number', wholeNumber)
    .option('--expires <when>', 'a span such as 30d or 12h, or a date')
    .addHelpText('after', example('engram token create --uses 10 --expires 30d'))
    .action((name: string | undefined, options: Omit<TokenCreateOptions, 'token'>) =>
      token({ ...options, ...(name === undefined ? {} : { token: name }) }),
    );
}

/** Verbs about the log as a whole. */
function declareLogVerbs(log: Command, verb: Verb): void {
  log
    .command('copy')
    .description(
      'Copy the log, and its keys, to another place, also while a server writes it: a backup, or a move.',
    )
    .option(...CONFIG_OPTION)
    .option('--from <place>', 'what to copy; without it, the configured log')
    .requiredOption('--to <place>', 'where to: an empty place, or an earlier copy, which is gone on with')
    .option('--follow', 'go on with what is written meanwhile, until the server stops')
    .option('--quick', 'compare only what is copied now, not what earlier runs have copied')
    .addHelpText('after', COPY_HELP)
    .action(verb(async () => (await import('./log-copy.js')).logCopy));

  log
    .command('renew')
    .description(
      'Begin another epoch: after a log was put back by other means, such as a snapshot of a machine.',
    )
    .option(...CONFIG_OPTION)
    .addHelpText(
      'after',
      `\nNo server may run. Engram notices by itself when its folder is restored from a copy of the files.${example('engram log renew')}`,
    )
    .action(verb(async () => (await import('./log-renew.js')).logRenew));
}

const COPY_HELP = `
A place is a data folder (/backup/engram), of which the log and the keys are copied; or EventStoreDB, by its
connection string, with our prefix among the options: esdb://host:2113?tls=true&prefix=engram

Every record is compared at the end. Exits with 1 when one is not the same. Interrupted, it goes on where it was when it is
called again; so a backup that is made every day copies what is new that day.

To move to another place, run it with --follow, stop the server when the copy has caught up, and start it on the copy
when this program has ended by itself with 0. Of EventStoreDB it cannot see whether servers have stopped: end it with
Ctrl-C when they have.
${example('engram log copy --to /backup/engram', "engram log copy --follow --to 'esdb://localhost:2113?tls=false'")}`;

/** Verbs that look into the log; they work while a server runs. */
function declareReadingVerbs(program: Command, verb: Verb): void {
  const log = program.command('log').description('Look into the log, copy it.');
  declareLogVerbs(log, verb);
  log
    .command('cat')
    .description('Print records as newline-delimited JSON, in the order of the log.')
    .option(...CONFIG_OPTION)
    .option('--stream <name>', 'of one stream only, such as `server` or `room-!id`')
    .option('--room <id>', "of a room's stream only")
    .option('--user <id>', "of an account's stream only")
    .option('--type <type...>', 'of these types only')
    .option('--from <position>', 'from this position on', wholeNumber)
    .option('--to <position>', 'to this position, inclusive', wholeNumber)
    .option('--limit <count>', 'so many records at most', wholeNumber)
    .option('--reverse', 'the newest first')
    .addHelpText(
      'after',
      example('engram log cat --type user.registered', 'engram log cat --reverse --limit 10'),
    )
    .action(verb(async () => (await import('./log-cat.js')).logCat));

  program
    .command('verify')
    .description('Read the whole log again: checksums, hashes, signatures, every decision taken afresh.')
    .option(...CONFIG_OPTION)
    .option('--room <id>', "only this room's stream")
    .option('--from <position>', 'take what lies before this position as verified', wholeNumber)
    .option('--json', 'as JSON')
    .addHelpText('after', `\nExits with 1 when anything was found.${example('engram verify')}`)
    .action(verb(async () => (await import('./verify.js')).verify));

  const state = verb<StateOptions>(async () => (await import('./state.js')).state);
  program
    .command('state')
    .description("Tell a room's state at any moment, what changed, and why an event was accepted or refused.")
    .argument('<room>', 'the room ID')
    .option(...CONFIG_OPTION)
    .option('--at <point>', 'at an event, a position, or a time, instead of now')
    .option('--diff <points...>', 'what changed between two points, by whom')
    .option('--why <event>', 'what was decided about an event, by which rule, on which grounds')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      example(
        "engram state '!room:example.org' --at 2025-01-31T12:00:00Z",
        "engram state '!room:example.org' --diff 1200 '$event'",
        "engram state '!room:example.org' --why '$event'",
      ),
    )
    .action((room: string, options: Omit<StateOptions, 'room'>) => state({ ...options, room }));
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError('It is not a whole number.');
  }
  return number;
}

function example(...lines: string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** What somebody can mend is told in its own words; anything else is thrown on. */
function exitCodeOf(error: unknown, io: Io): number {
  // commander has written what there is to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (isInterruption(error, io.signal)) {
    io.stderr.write('Interrupted.\n');
    return error.exitCode;
  }
  if (error instanceof CliError) {
    io.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  // By its name: the class would bring the whole configuration into every start.
  if (error instanceof Error && error.name === 'ConfigError') {
    io.stderr.write(`${error.message}\n`);
    return EXIT.usage;
  }
  throw error;
}

/** Only what the signal itself has thrown: a fault on the way out is a fault. */
function isInterruption(error: unknown, signal: AbortSignal): error is Interrupted {
  return error instanceof Interrupted && error === signal.reason;
}
