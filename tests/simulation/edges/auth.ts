export const invokerHeaders = () => Promise.resolve({});
