import ts from 'typescript';

/** TypeScript source with every property, index signature and array readonly: what is generated are values. */
export function readonlyTypes(source) {
  const file = ts.createSourceFile('types.ts', source, ts.ScriptTarget.ESNext, true);
  const positions = [];
  const visit = (node) => {
    if (ts.isPropertySignature(node) || ts.isIndexSignatureDeclaration(node) || ts.isArrayTypeNode(node)) {
      positions.push(node.getStart(file));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  positions.sort((a, b) => b - a);
  return positions.reduce((text, at) => `${text.slice(0, at)}readonly ${text.slice(at)}`, source);
}
