exports.init = (
