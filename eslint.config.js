import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'data/', 'node_modules/', 'src/log/records.ts', 'src/http/client/types.ts'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'scripts/*.mjs', 'bench/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Numbers read well in messages and keys; the rule's other cases stay on.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `await` in a port's adapter is optional: an embedded store answers at once, a remote one does not.
      '@typescript-eslint/require-await': 'off',
      // `while (true)` with a `return` inside is the plainest retry loop.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // Fields that a destructuring takes out to leave the rest are not unused.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_' }],
    },
  },
  { files: ['**/*.mjs', '**/*.js'], ...tseslint.configs.disableTypeChecked },
);
