/* SPDX-License-Identifier: MIT
 * The presets: named methods, each a row of values over the defaults of the spec. Nothing else
 * in the library knows a method by its name.
 *
 * Where papers and programs differ, a row follows torch.optim (ε outside the root, AMSGrad's
 * maximum of the uncorrected moment, rectification above 5) and otherwise the publication; the
 * other convention is one key away, and named in the summary where it matters.
 */
#include "opt/presets.h"

#include "base/base.h"

#define PRESET(name, values, summary, source)                                                  \
    { sizeof(uns_preset), name, values, summary, source }

#define DIAGONAL_EMA "moment=ema structure=diagonal exponent=0.5 epsilon.form=outside "
#define ADAM                                                                                   \
    DIAGONAL_EMA "momentum=ema mu=0.9 mu.correction=true beta=0.999 bias_correction=true "     \
                 "epsilon=1e-8 "

static const uns_preset presets[] = {
    PRESET("sgd", "eta=1e-3", "plain stochastic gradient descent", "Robbins, Monro 1951"),
    PRESET("momentum", "eta=1e-3 momentum=heavy mu=0.9",
           "SGD with heavy-ball momentum; dampening as in torch", "Polyak 1964"),
    PRESET("nesterov", "eta=1e-3 momentum=nesterov mu=0.9", "SGD with Nesterov's momentum",
           "Nesterov 1983; Sutskever, Martens, Dahl, Hinton 2013"),
    PRESET("adagrad",
           "eta=1e-2 moment=sum structure=diagonal exponent=0.5 epsilon=1e-10 "
           "epsilon.form=outside",
           "diagonal AdaGrad: the sum of squares", "Duchi, Hazan, Singer 2011"),
    PRESET("adagrad-norm",
           "eta=1e-2 moment=sum structure=scalar exponent=0.5 epsilon=0 initial=1e-2",
           "AdaGrad with one number for all: eta/b, b^2 the sum of squared norms",
           "Ward, Wu, Bottou 2019"),
    PRESET("rmsprop", "eta=1e-2 " DIAGONAL_EMA "beta=0.99 epsilon=1e-8 momentum.at=last",
           "diagonal RMSProp, epsilon outside the root as in torch", "Tieleman, Hinton 2012"),
    PRESET("rmsprop-inside",
           "eta=1e-2 moment=ema structure=diagonal exponent=0.5 beta=0.99 epsilon=1e-8 "
           "epsilon.form=inside momentum.at=last",
           "diagonal RMSProp, epsilon inside: (G + epsilon I)^(-1/2)",
           "Staib, Reddi, Kale, Kumar, Sra 2019"),
    PRESET("rmsprop-centered",
           "eta=1e-2 " DIAGONAL_EMA "beta=0.99 epsilon=1e-8 momentum.at=last centred=true",
           "RMSProp by the variance about the averaged gradient", "Graves 2013"),
    PRESET("adam", "eta=1e-3 " ADAM, "RMSProp with momentum, both bias-corrected",
           "Kingma, Ba 2015"),
    PRESET("adamw", "eta=1e-3 " ADAM "weight_decay=1e-2 decay=decoupled",
           "Adam with decoupled weight decay", "Loshchilov, Hutter 2019"),
    PRESET("amsgrad", "eta=1e-3 " ADAM "ceiling=raw",
           "Adam by the largest second moment so far; ceiling=corrected for the other form",
           "Reddi, Kale, Kumar 2018"),
    PRESET("nadam",
           "eta=2e-3 " DIAGONAL_EMA "momentum=nadam mu=0.9 mu.psi=4e-3 beta=0.999 "
           "bias_correction=true epsilon=1e-8",
           "Adam with Nesterov's momentum; momentum=dozat for the published memory mu_t",
           "Dozat 2016"),
    PRESET("radam", "eta=1e-3 " ADAM "rectify=true epsilon.form=uncorrected",
           "Adam, rectified; rectify.above=4 as published",
           "Liu, Jiang, He, Chen, Liu, Gao, Han 2020"),
    PRESET("adamax",
           "eta=2e-3 momentum=ema mu=0.9 mu.correction=true moment=max structure=diagonal "
           "beta=0.999 exponent=1 increment=1e-8 epsilon=0",
           "Adam by the decaying maximum of |g|", "Kingma, Ba 2015"),
    PRESET("adadelta",
           "eta=1 moment=ema structure=diagonal beta=0.9 exponent=0.5 epsilon=1e-6 "
           "epsilon.form=inside scale=adadelta",
           "RMSProp in units of its own past steps", "Zeiler 2012"),
    PRESET("yogi",
           "eta=1e-2 momentum=ema mu=0.9 moment=sign structure=diagonal beta=0.999 "
           "exponent=0.5 epsilon=1e-3 epsilon.form=outside initial=1e-6",
           "Adam with an additive second moment", "Zaheer, Reddi, Sachan, Kale, Kumar 2018"),
    PRESET("adabelief", "eta=1e-3 " ADAM "signal=deviation increment=1e-16 epsilon=1e-16",
           "Adam by the gradient's deviation from its average",
           "Zhuang, Tang, Ding, Tatikonda, Dvornek, Papademetris, Duncan 2020"),
    PRESET("lion",
           "eta=1e-4 momentum=lion mu=0.9 mu.memory=0.99 signal=direction moment=latest "
           "beta=0 structure=diagonal exponent=0.5 epsilon=0 decay=decoupled",
           "the sign of an interpolated momentum", "Chen, Liang, Huang, Real, et al. 2023"),
    PRESET("lamb", "eta=1e-3 " ADAM "epsilon=1e-6 scale=trust weight_decay=1e-2 decay=scaled",
           "Adam with a trust ratio for every block",
           "You, Li, Reddi, Hseu, Kumar, et al. 2020"),
    PRESET("lars",
           "eta=1 momentum=heavy mu=0.9 momentum.at=last scale=trust_sum trust=1e-3 "
           "weight_decay=5e-4 decay=scaled",
           "SGD with a trust ratio for every block; scale=trust for |g + lambda x|",
           "You, Gitman, Ginsburg 2017"),
    PRESET("rmsprop-full",
           "eta=1e-3 moment=ema structure=full exponent=0.5 beta.rule=eta^2/3 epsilon=1e-8 "
           "epsilon.form=inside momentum.at=last burn_in=auto",
           "RMSProp by the whole matrix: (G + epsilon I)^(-1/2), beta by the rule, burn-in",
           "Staib, Reddi, Kale, Kumar, Sra 2019"),
    PRESET("rmsprop-block",
           "eta=1e-3 moment=ema structure=block exponent=0.5 beta.rule=eta^2/3 epsilon=1e-8 "
           "epsilon.form=inside momentum.at=last burn_in=auto",
           "rmsprop-full a layer at a time; layers above structure.cap are cut",
           "Staib, Reddi, Kale, Kumar, Sra 2019"),
    PRESET("adagrad-full",
           "eta=1e-2 moment=sum structure=full exponent=0.5 epsilon=1e-10 "
           "epsilon.form=outside damping=1e-4",
           "AdaGrad by the whole matrix; damping=0 as published", "Duchi, Hazan, Singer 2011"),
    PRESET("adam-full", "eta=1e-3 " ADAM "structure=full damping=1e-4",
           "Adam by the whole matrix, damped for the steps whose second moment is singular",
           "Kingma, Ba 2015; Duchi, Hazan, Singer 2011"),
    PRESET("ggt",
           "eta=1e-3 momentum=heavy mu=0.9 moment=window structure=lowrank "
           "structure.window=100 beta=1 exponent=0.5 epsilon=1e-4 epsilon.form=outside",
           "full-matrix AdaGrad of the last 100 gradients; beta below 1 fades them",
           "Agarwal, Bullins, Chen, Hazan, Singh, Zhang, Zhang 2019"),
    PRESET("shampoo",
           "eta=1e-2 momentum=heavy mu=0.9 momentum.at=last moment=sum structure=kron "
           "structure.cap=1024 structure.every=10 refresh=200 exponent=0.25 epsilon=0 "
           "initial=1e-4 scale=graft",
           "AdaGrad by Kronecker factors, step length of the diagonal; structure.every=1 "
           "refresh=1 scale=none as first published",
           "Gupta, Koren, Singer 2018; Anil, Gupta, Koren, Regan, Singer 2020"),
    PRESET("soap",
           "eta=3e-3 momentum=ema mu=0.95 mu.correction=true moment=ema beta=0.95 "
           "bias_correction=true structure=kron-eigen structure.cap=10000 structure.over=leave "
           "basis=qr refresh=10 exponent=0.5 epsilon=1e-8 epsilon.form=uncorrected",
           "Adam in the eigenbasis of Shampoo's factors; basis=eigen for the decomposition",
           "Vyas, Morwani, Zhao, Kwun, Shapira, Brandfonbrener, Janson, Kakade 2024"),
    PRESET("adafactor",
           "eta=1e-2 schedule=inverse_sqrt schedule.every=10000 moment=power "
           "structure=factored exponent=0.5 epsilon=0 increment=1e-30 scale=rms_clip "
           "rms.relative=1e-3",
           "rows and columns of the second moment, steps relative to the parameters",
           "Shazeer, Stern 2018"),
    PRESET(
        "muon",
        "eta=2e-2 momentum=nesterov mu=0.95 signal=direction moment=latest beta=0 "
        "structure=kron structure.side=smaller structure.cap=10000 exponent=0.5 "
        "root=quintic epsilon=1e-7 scale=shape",
        "momentum made orthogonal by five steps of a quintic; root=exact for the polar factor",
        "Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein 2024"),
    PRESET("idealized", "eta=1e-3 moment=exact structure=diagonal exponent=0.5 epsilon=0",
           "the problem's own G(x)^(-1/2), diagonal; structure=full for the whole matrix",
           "Staib, Reddi, Kale, Kumar, Sra 2019"),
};

const uns_preset *uns_builtin_presets(size_t *count) {
    *count = UNS_COUNT_OF(presets);
    return presets;
}
